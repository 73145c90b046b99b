"""Answer files against pandas and pyreadstat: what they read is what profiles.jsonl says."""

import json

import pandas as pd
import pyreadstat

from support import ROOT, WORK, case, finish, lines, shared, sqpsych

MAPPINGS = ROOT / "configs" / "profiles"
PHQ9 = [f"DPQ0{i}0" for i in range(1, 10)]


def profiles_of(name, mapping, *answers):
    """Profiles by the source's identifier, through the links file."""
    output = WORK / name
    sqpsych("profiles", *answers, "--config", mapping, "--output", output, "--overwrite")
    source = {link["client_id"]: link["source_id"] for link in lines(output / "links" / "links.jsonl")}
    return {source[profile["client_id"]]: profile for profile in lines(output / "profiles.jsonl")}


def items_of(profile, questionnaire=0):
    return [item["value"] for item in profile["questionnaires"][questionnaire]["items"]]


def valid(value, highest=3):
    return None if pd.isna(value) or value > highest else int(round(value))


def expect(found, expected, what):
    if found != expected:
        raise AssertionError(f"{what}: found {found!r}, expected {expected!r}")


def gad7_mapping(name, extra):
    path = WORK / name
    items = {f"item{i}": f"g{i}" for i in range(1, 8)}
    mapping = {"client_id": {"column": "id"}, "questionnaires": [{"name": "gad7", "items": items}], **extra}
    path.write_text(json.dumps(mapping), encoding="utf-8")
    return path


with case("NHANES transport files: every item, total, age and gender as pyreadstat reads them"):
    dpq, demo = shared("data/nhanes-phq9/P_DPQ.xpt"), shared("data/nhanes-phq9/P_DEMO.xpt")
    ours = profiles_of("nhanes", MAPPINGS / "nhanes.json", dpq, demo)
    answers, people = pyreadstat.read_xport(str(dpq))[0], pyreadstat.read_xport(str(demo))[0]
    theirs = answers.merge(people, on="SEQN", how="left")
    expect(len(theirs), 8965, "rows")
    complete = 0
    for row in theirs.to_dict("records"):
        items = [valid(row[column]) for column in PHQ9]
        everything = items + [valid(row["DPQ100"])]
        profile = ours.get(str(int(row["SEQN"])))
        if all(value is None for value in everything):
            expect(profile, None, row["SEQN"])
            continue
        expect(items_of(profile), everything, row["SEQN"])
        if None not in items:
            complete += 1
            expect(profile["questionnaires"][0]["scores"][0]["value"], sum(items), row["SEQN"])
        expect(profile["demographics"]["gender"], {1: "male", 2: "female"}[int(row["RIAGENDR"])], row["SEQN"])
        age = "80 or older" if row["RIDAGEYR"] == 80 else str(int(row["RIDAGEYR"]))
        expect(profile["demographics"]["age"], age, row["SEQN"])
    expect(complete, 8276, "complete respondents")

with case("depression short form: 2,200 sums as pandas reads the CSV"):
    csv = shared("data/bdi-sf-wsc/fin_bdi.csv")
    ours = profiles_of("bdi", MAPPINGS / "bdi_short_form.json", csv, shared("data/bdi-sf-wsc/df2200_cleaned.csv"))
    sums = pd.read_csv(csv).sub(1).sum(axis=1)
    expect(len(ours), len(sums), "profiles")
    for row, total in enumerate(sums, start=2):
        expect(ours[f"row {row}"]["questionnaires"][0]["scores"][0]["value"], int(total), f"row {row}")

table = pd.DataFrame({"id": ["ä1", "b2", "c3"], "sex": [1.0, 2.0, 1.0], "visit": pd.to_datetime(["2020-03-01", "1999-12-31", "2024-02-29"]),
                      **{f"g{i}": [float(i % 4), 3.0, 9.0 if i == 1 else 0.0] for i in range(1, 8)}})
mapping = gad7_mapping("gad7.json", {"occasion": {"column": "visit"}, "demographics": {"sex": {"column": "sex"}}})


def expect_table(ours):
    expect(sorted(ours), ["b2", "c3", "ä1"], "identifiers")
    expect([ours[name]["occasion"] for name in ("ä1", "b2", "c3")], ["2020-03-01", "1999-12-31", "2024-02-29"], "dates")
    expect([ours[name]["demographics"]["sex"] for name in ("ä1", "b2", "c3")], ["männlich", "weiblich", "männlich"], "labels")
    expect(items_of(ours["ä1"]), [i % 4 for i in range(1, 8)], "items")
    expect(items_of(ours["c3"])[0], None, "declared missing value")


for suffix, compress in (("sav", False), ("zsav", True)):
    with case(f"SPSS {suffix} written by pyreadstat: labels, missing ranges, dates, umlauts"):
        file = WORK / f"answers.{suffix}"
        pyreadstat.write_sav(table.assign(visit=table["visit"].dt.date), str(file), compress=compress,
                             variable_value_labels={"sex": {1: "männlich", 2: "weiblich"}},
                             missing_ranges={f"g{i}": [9] for i in range(1, 8)})
        expect_table(profiles_of(suffix, mapping, file))

with case("Stata file written by pandas: labels, dates, umlauts"):
    file = WORK / "answers.dta"
    stata = table.assign(sex=table["sex"].astype("int32"), g1=[1.0, 3.0, None])
    stata.to_stata(file, write_index=False, convert_dates={"visit": "td"}, version=118,
                   value_labels={"sex": {1: "männlich", 2: "weiblich"}})
    expect_table(profiles_of("dta", mapping, file))

for encoding in ("utf-8", "utf-8-sig", "utf-16", "cp1252"):
    with case(f"CSV written by pandas: {encoding}, semicolons, decimal commas"):
        file = WORK / f"answers_{encoding}.csv"
        text = table.assign(sex=table["sex"].map({1.0: "männlich", 2.0: "weiblich"}), g1=[1, 3, None])
        text.to_csv(file, index=False, sep=";", decimal=",", encoding=encoding)
        expect_table(profiles_of(f"csv_{encoding}", mapping, file))

finish()
