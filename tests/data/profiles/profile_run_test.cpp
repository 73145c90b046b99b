#include "data/profiles/profile_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "core/error.h"
#include "core/json_lines.h"
#include "tests/data/answers/statistical_file.h"
#include "tests/support/error_text.h"
#include "tests/support/temporary_folder.h"

namespace sqpsych {
namespace {

using ::testing::HasSubstr;
using testing::TemporaryFolder;
using testing::write_text;

/// gad7 alone, columns g1 to g7, client in `id`.
Json gad7_mapping() {
  Json items = Json::object();
  for (int i = 1; i <= 7; ++i) items["item" + std::to_string(i)] = "g" + std::to_string(i);
  return {{"client_id", {{"column", "id"}}},
          {"questionnaires", {{{"name", "gad7"}, {"items", items}}}}};
}

ProfilesConfig config_of(const Json& document) {
  return config_from_json<ProfilesConfig>(document, "test", "/");
}

constexpr const char* kHeader = "id,g1,g2,g3,g4,g5,g6,g7";

/// Runs a mapping over one text file and keeps the output folder.
class OneFile {
 public:
  OneFile(const Json& mapping, const std::string& csv) {
    write_text(folder_ / "answers.csv", csv);
    options_.answers = {folder_ / "answers.csv"};
    options_.output = folder_ / "out";
    counts_ = run_profiles(config_of(mapping), options_);
  }
  const ProfileCounts& counts() const { return counts_; }
  std::vector<Profile> profiles() const {
    return read_profiles(options_.output / "profiles.jsonl");
  }
  std::vector<Json> skipped() const { return read_json_lines(options_.output / "skipped.jsonl"); }
  std::vector<Json> links() const { return read_json_lines(options_.output / "links/links.jsonl"); }
  const ProfileRunOptions& options() const { return options_; }

 private:
  TemporaryFolder folder_;
  ProfileRunOptions options_;
  ProfileCounts counts_;
};

std::string run_error(const Json& mapping, const std::string& csv) {
  return testing::error_text([&] { OneFile run(mapping, csv); });
}

std::string lines(const std::vector<std::string>& rows) {
  std::string text = kHeader;
  for (const auto& row : rows) text += "\n" + row;
  return text + "\n";
}

TEST(ProfileRun, EveryRowEndsAsProfileOrAsNamedSkip) {
  const OneFile run(gad7_mapping(),
                    lines({"a,0,1,2,3,0,1,2", "b,0,1,2,4,0,1,x", "a,1,1,1,1,1,1,1",
                           ",1,1,1,1,1,1,1", "c,,,,,,,", "d,1,2", "e,1,1,1,,1,1,1"}));
  EXPECT_EQ(run.counts().rows, 7);
  EXPECT_EQ(run.counts().profiles, 2);
  EXPECT_EQ(run.counts().faulty, 4);
  const std::map<std::string, std::int64_t> expected = {{"bad_row", 1},
                                                        {"duplicate", 1},
                                                        {"no_client_id", 1},
                                                        {"nothing_answered", 1},
                                                        {"out_of_range", 1}};
  EXPECT_EQ(run.counts().skipped, expected);
  const auto skipped = run.skipped();
  ASSERT_EQ(skipped.size(), 5u);
  EXPECT_EQ(skipped[0]["row"], 3);
  EXPECT_EQ(skipped[0]["column"], "g4");
  EXPECT_EQ(skipped[0]["problems"].size(), 2u);
  EXPECT_EQ(skipped[0]["problems"][0]["detail"], "found 4, expected 0 to 3");
  EXPECT_EQ(skipped[0]["problems"][1]["detail"], "found a text, expected 0 to 3");
  EXPECT_EQ(skipped[1]["problems"][0]["detail"], "found the client and occasion of row 2 again");
  const auto profiles = run.profiles();
  EXPECT_EQ(profiles[0].questionnaires[0].scores[0].value, 9);
  EXPECT_EQ(profiles[0].questionnaires[0].scores[0].band, "mild");
  EXPECT_EQ(profiles[1].questionnaires[0].scores[0].value, 7);
  EXPECT_TRUE(profiles[1].questionnaires[0].scores[0].prorated);
  EXPECT_EQ(profiles[1].questionnaires[0].items[3].missing, "not answered");
  EXPECT_EQ(profiles[0].questionnaires[0].items[1].sentence,
            "On several days I was not able to stop or control worrying.");
}

TEST(ProfileRun, StrictNamesEveryFaultAndWritesNothing) {
  Json mapping = gad7_mapping();
  mapping["strict"] = true;
  const std::string error = run_error(
      mapping, lines({"a,0,1,2,3,0,1,2", "b,0,1,2,4,0,1,9", "a,1,1,1,1,1,1,1", "c,,,,,,,"}));
  EXPECT_THAT(error, HasSubstr("answers.csv: row 3, column 'g4': found 4, expected 0 to 3"));
  EXPECT_THAT(error, HasSubstr("row 3, column 'g7': found 9"));
  EXPECT_THAT(error, HasSubstr("row 4, column 'id': found the client and occasion of row 2 again"));
  EXPECT_THAT(error, ::testing::Not(HasSubstr("row 5")));
  EXPECT_NO_THROW(OneFile(mapping, lines({"a,0,1,2,3,0,1,2", "c,,,,,,,"})));
}

TEST(ProfileRun, MappingFaultsAreReportedTogether) {
  Json mapping = gad7_mapping();
  mapping["questionnaires"][0]["items"]["item3"] = "g33";
  mapping["questionnaires"][0]["items"]["item8"] = "g1";
  mapping["questionnaires"][0]["recode"] = {{"5", 9}};
  mapping["demographics"]["age"]["column"] = "years";
  mapping["group"] = {{"score", "phq9.total"}, {"levels", {{{"at_least", 1}, {"name", "x"}}}}};
  mapping["language"]["value"] = "fr";
  const std::string error = run_error(mapping, lines({"a,0,1,2,3,0,1,2"}));
  EXPECT_THAT(error, HasSubstr("column 'g33' is in no file. Did you mean 'g3'?"));
  EXPECT_THAT(error, HasSubstr("unknown item 'item8'"));
  EXPECT_THAT(error, HasSubstr("recode of '5': found 9, expected 0 to 3"));
  EXPECT_THAT(error, HasSubstr("demographics.age: column 'years' is in no file"));
  EXPECT_THAT(error, HasSubstr("'phq9.total' is no score"));
  EXPECT_THAT(error, HasSubstr("questionnaire 'gad7' has no fr.json"));
}

TEST(ProfileRun, WrongFileIsOneSentenceNotOnePerColumn) {
  const std::string error = run_error(gad7_mapping(), "name,age\nx,3\n");
  EXPECT_THAT(error, HasSubstr("8 columns are in no file: 'g1', "));
  EXPECT_THAT(error, HasSubstr("The columns there are: 'name', 'age'"));
  EXPECT_EQ(error.find('\n'), std::string::npos);
}

TEST(ProfileRun, ColumnNamesMustBeUniqueWhenTheyAreUsed) {
  const std::string csv = "id,g1,g2,g3,g4,g5,g6,g7,g7\na,1,1,1,1,1,1,1,2\n";
  EXPECT_THAT(run_error(gad7_mapping(), csv),
              HasSubstr("column 'g7' is in answers.csv twice (columns 8 and 9)"));
  EXPECT_NO_THROW(OneFile(gad7_mapping(), "x,x,id,g1,g2,g3,g4,g5,g6,g7\n1,2,a,1,1,1,1,1,1,1\n"));
}

TEST(ProfileRun, ClientIdMustBeDeclared) {
  Json mapping = gad7_mapping();
  mapping["client_id"] = Json::object();
  EXPECT_THROW(config_of(mapping), ConfigError);
  mapping["client_id"] = {{"row_number", true}};
  const OneFile run(mapping, lines({"a,0,1,2,3,0,1,2", "a,0,1,2,3,0,1,2"}));
  EXPECT_EQ(run.counts().clients, 2);
  EXPECT_EQ(run.links()[1]["source_id"], "row 3");
}

TEST(ProfileRun, PseudonymsAreKeyedAndSayNothing) {
  const std::string csv = lines({"anna,0,1,2,3,0,1,2", "bob,0,1,2,3,0,1,2"});
  const OneFile first(gad7_mapping(), csv);
  const OneFile second(gad7_mapping(), csv);
  EXPECT_NE(first.profiles()[0].client_id, second.profiles()[0].client_id);
  EXPECT_NE(first.profiles()[0].client_id, first.profiles()[1].client_id);
  EXPECT_EQ(first.profiles()[0].client_id.size(), 18u);
  EXPECT_THAT(read_file(first.options().output / "profiles.jsonl"),
              ::testing::Not(HasSubstr("anna")));
  EXPECT_EQ(first.links()[0]["source_id"], "anna");
  EXPECT_EQ(first.links()[0]["client_id"], first.profiles()[0].client_id);
  EXPECT_EQ(first.links()[0]["row"], 2);
}

TEST(ProfileRun, OutputIsPrivateKeptAndKeepsItsKey) {
  const std::string csv = lines({"a,0,1,2,3,0,1,2"});
  const OneFile run(gad7_mapping(), csv);
  for (const auto& entry : std::filesystem::recursive_directory_iterator(run.options().output)) {
    struct stat status {};
    ASSERT_EQ(stat(entry.path().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 077, 0u) << entry.path();
  }
  const std::string key = read_file(run.options().output / "links/key");
  EXPECT_GE(key.size(), 64u);
  EXPECT_TRUE(std::filesystem::exists(run.options().output / "manifest.json"));
  EXPECT_THROW(run_profiles(config_of(gad7_mapping()), run.options()), ConfigError);
  ProfileRunOptions again = run.options();
  again.existing = Existing::kOverwrite;
  const auto before = run.profiles()[0].client_id;
  run_profiles(config_of(gad7_mapping()), again);
  EXPECT_EQ(run.profiles()[0].client_id, before);
  EXPECT_EQ(read_file(run.options().output / "links/key"), key);
}

TEST(ProfileRun, KeyFileMustExistAndBeLongEnough) {
  Json mapping = gad7_mapping();
  const std::string csv = lines({"a,0,1,2,3,0,1,2"});
  TemporaryFolder folder;
  mapping["links"]["key_file"] = (folder / "key").string();
  EXPECT_THAT(run_error(mapping, csv), HasSubstr("openssl rand -hex 32"));
  write_text(folder / "key", "short\n");
  EXPECT_THAT(run_error(mapping, csv), HasSubstr("found 5 characters"));
  write_text(folder / "key", "0123456789abcdef\n");
  const OneFile first(mapping, csv);
  const OneFile second(mapping, csv);
  EXPECT_EQ(first.profiles()[0].client_id, second.profiles()[0].client_id);
  EXPECT_FALSE(std::filesystem::exists(first.options().output / "links/key"));
}

TEST(ProfileRun, RecodesMissingCodesTextsLabelsAndRisk) {
  Json mapping = gad7_mapping();
  mapping["questionnaires"][0]["missing"] = {{"-9", "refused"}};
  mapping["questionnaires"][0]["item_recode"]["item2"] = {{"never", 0}, {"always", 3}};
  mapping["demographics"]["sex"] = {{"column", "sex"},
                                    {"values", {{"1", "male"}, {"2", "female"}}},
                                    {"missing", {{"99", "refused"}}}};
  mapping["risk"] = {{{"column", "alarm"}, {"positive", {"1"}}}};
  mapping["notes"] = "note";
  mapping["group"] = {
      {"score", "gad7.total"},
      {"levels", {{{"at_least", 0}, {"name", "low"}}, {{"at_least", 10}, {"name", "high"}}}}};
  const std::string header = std::string(kHeader) + ",sex,alarm,note\n";
  const OneFile run(mapping, header +
                                 "a,-9,always,3,Nearly every day,beinahe jeden tag,3,3,2,1,fine\n" +
                                 "b,0,never,0,0,0,0,0,99,0,\n" + "c,0,never,0,0,0,0,0,3,0,\n");
  const auto profiles = run.profiles();
  ASSERT_EQ(profiles.size(), 2u);
  EXPECT_EQ(profiles[0].questionnaires[0].items[0].missing, "refused");
  EXPECT_EQ(profiles[0].questionnaires[0].scores[0].value, 21);
  EXPECT_EQ(profiles[0].demographics.at("sex"), "female");
  EXPECT_EQ(profiles[0].risk_items, (std::vector<std::string>{"answers.alarm"}));
  EXPECT_TRUE(profiles[0].risk_positive);
  EXPECT_EQ(profiles[0].notes, "fine");
  EXPECT_EQ(profiles[0].group, "high");
  EXPECT_EQ(profiles[1].group, "low");
  EXPECT_FALSE(profiles[1].demographics.contains("sex"));
  EXPECT_FALSE(profiles[1].risk_positive);
  EXPECT_EQ(run.skipped().at(0)["column"], "sex");
}

TEST(ProfileRun, ARowWithoutLanguageIsNamedNotLeftWithoutSentences) {
  Json mapping = gad7_mapping();
  mapping["language"] = {{"column", "lang"}, {"value", ""}};
  const OneFile run(mapping,
                    std::string(kHeader) + ",lang\na,0,0,0,0,0,0,0,de\nb,0,0,0,0,0,0,0,\n");
  EXPECT_EQ(run.counts().profiles, 1);
  EXPECT_EQ(run.skipped().at(0)["column"], "lang");
  EXPECT_EQ(run.skipped().at(0)["reason"], "unknown_content");
}

TEST(ProfileRun, AnOpenRiskItemIsCountedApart) {
  Json items = Json::object();
  std::string header = "id";
  for (int i = 1; i <= 9; ++i) {
    items["item" + std::to_string(i)] = "p" + std::to_string(i);
    header += ",p" + std::to_string(i);
  }
  const Json mapping = {{"client_id", {{"column", "id"}}},
                        {"questionnaires", {{{"name", "phq9"}, {"items", items}}}}};
  const OneFile run(mapping, header +
                                 "\na,1,1,1,1,1,1,1,1,\nb,1,1,1,1,1,1,1,1,1\n"
                                 "c,1,1,1,1,1,1,1,1,0\nd,,1,1,1,1,1,1,1,0\n");
  EXPECT_EQ(run.counts().profiles, 4);
  EXPECT_EQ(run.counts().risk_positive, 1);
  EXPECT_EQ(run.counts().risk_unanswered, 1);
  EXPECT_THAT(counts_text(run.counts()),
              HasSubstr("1 with a positive risk item, 1 more with an unanswered one"));
}

TEST(ProfileRun, RequireDecidesAboutMissingItems) {
  const std::string csv = lines({"a,0,1,2,3,0,1,2", "b,0,1,2,3,0,1,", "c,0,1,2,3,0,,"});
  const std::map<std::string, std::int64_t> profiles_by_require = {
      {"any", 3}, {"score", 2}, {"complete", 1}};
  for (const auto& [require, profiles] : profiles_by_require) {
    Json mapping = gad7_mapping();
    mapping["questionnaires"][0]["require"] = require;
    EXPECT_EQ(OneFile(mapping, csv).counts().profiles, profiles) << require;
  }
}

TEST(ProfileRun, FilesJoinByKeyWhereverTheBaseStands) {
  TemporaryFolder folder;
  write_text(folder / "people.csv", "id,age\n3,30\n1,10\n2,20\n4,40\n4,41\n");
  write_text(folder / "answers.csv",
             lines({"1,0,0,0,0,0,0,0", "2.0,1,1,1,1,1,1,1", "4,1,1,1,1,1,1,1", "9,1,1,1,1,1,1,1"}));
  Json mapping = gad7_mapping();
  mapping["demographics"]["age"]["column"] = "age";
  ProfileRunOptions options;
  options.answers = {folder / "people.csv", folder / "answers.csv"};
  options.output = folder / "out";
  EXPECT_THROW(run_profiles(config_of(mapping), options), ConfigError);
  mapping["join"]["columns"] = {"id"};
  const auto counts = run_profiles(config_of(mapping), options);
  EXPECT_EQ(counts.rows, 4);
  EXPECT_EQ(counts.profiles, 3);
  EXPECT_EQ(counts.skipped.at("bad_row"), 1);
  EXPECT_EQ(counts.left_out, (std::map<std::string, std::int64_t>{{"people.csv", 1}}))
      << "nobody answered as 3";
  EXPECT_THAT(counts_text(counts), HasSubstr("left out  1 rows of people.csv"));
  EXPECT_EQ(read_json(folder / "out/manifest.json")["counts"]["left_out"]["people.csv"], 1);
  const auto profiles = read_profiles(folder / "out/profiles.jsonl");
  EXPECT_EQ(profiles[0].demographics.at("age"), "10");
  EXPECT_EQ(profiles[1].demographics.at("age"), "20");
  EXPECT_TRUE(profiles[2].demographics.empty());
  EXPECT_THAT(read_file(folder / "out/skipped.jsonl"), HasSubstr("rows 5 and 6 of people.csv"));
}

TEST(ProfileRun, LongIdentifiersJoinDigitByDigit) {
  TemporaryFolder folder;
  write_text(folder / "people.csv",
             "id,age\n12345678901234567890,30\n1234567890123456,40\n007,50\n");
  write_text(folder / "answers.csv",
             lines({"12345678901234567890,0,0,0,0,0,0,0", "12345678901234567891,0,0,0,0,0,0,0",
                    "1234567890123456,0,0,0,0,0,0,0", "1234567890123457,0,0,0,0,0,0,0",
                    "7,0,0,0,0,0,0,0"}));
  Json mapping = gad7_mapping();
  mapping["demographics"]["age"]["column"] = "age";
  mapping["join"]["columns"] = {"id"};
  ProfileRunOptions options;
  options.answers = {folder / "people.csv", folder / "answers.csv"};
  options.output = folder / "out";
  EXPECT_EQ(run_profiles(config_of(mapping), options).profiles, 5);
  const std::vector<std::string> expected = {"30", "", "40", "", "50"};
  std::vector<std::string> ages;
  for (auto& profile : read_profiles(folder / "out/profiles.jsonl"))
    ages.push_back(profile.demographics["age"]);
  EXPECT_EQ(ages, expected);
}

TEST(ProfileRun, SpssLabelsAndMissingValuesReachTheProfile) {
  TemporaryFolder folder;
  testing::StatFile file;
  file.columns = {{.name = "id"}, {.name = "sex", .value_labels = {{1, "männlich"}}}};
  for (int i = 1; i <= 7; ++i)
    file.columns.push_back({.name = "g" + std::to_string(i),
                            .value_labels = {{9, "keine Angabe"}},
                            .missing_values = {9}});
  file.rows = {{1.0, 1.0, 9.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0}};
  testing::write_stat_file(folder / "a.sav", file);
  Json mapping = gad7_mapping();
  mapping["demographics"]["sex"]["column"] = "sex";
  mapping["language"]["value"] = "de";
  ProfileRunOptions options;
  options.answers = {folder / "a.sav"};
  options.output = folder / "out";
  run_profiles(config_of(mapping), options);
  const auto profile = read_profiles(folder / "out/profiles.jsonl").at(0);
  EXPECT_EQ(profile.demographics.at("sex"), "männlich");
  EXPECT_EQ(profile.questionnaires[0].items[0].missing, "keine Angabe");
  EXPECT_EQ(profile.questionnaires[0].scores[0].band_label, "leicht");
}

TEST(ProfileRun, NoUsableRowIsAnError) {
  EXPECT_THAT(run_error(gad7_mapping(), lines({"a,,,,,,,", "b,7,7,7,7,7,7,7"})),
              HasSubstr("answers.csv: found no usable row among 2"));
}

}  // namespace
}  // namespace sqpsych
