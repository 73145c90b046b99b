#include "data/questionnaires/questionnaire.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "core/error.h"
#include "core/files.h"
#include "data/questionnaires/score.h"
#include "tests/support/error_text.h"
#include "tests/support/temporary_folder.h"

namespace sqpsych {
namespace {

using testing::error_text;
using ::testing::HasSubstr;
using testing::TemporaryFolder;
using testing::write_text;

const char* const kScale = R"({
  "version": "1", "licence": "own", "rater": "self",
  "options": {"agree": {"values": [1, 2, 3, 4, 5]}},
  "items": [
    {"id": "a", "options": "agree"},
    {"id": "b", "options": "agree", "reverse": true},
    {"id": "c", "options": "agree", "risk": {"at_least": 4}},
    {"id": "d", "options": "agree", "scored": false}
  ],
  "scores": [
    {"name": "total", "missing": {"allowed": 1, "source": "manual"}, "bands_source": "manual",
     "bands": [{"name": "low", "from": 3, "to": 8}, {"name": "high", "from": 9, "to": 15}]},
    {"name": "mean", "rule": "mean", "items": ["a", "b"], "bands_source": "manual",
     "bands": [{"name": "low", "from": 1, "to": 3}, {"name": "high", "from": 3, "to": 5}]},
    {"name": "zero", "items": ["a", "c"], "missing": {"allowed": 1, "fill": "zero", "source": "m"}}
  ]
})";

std::string item_texts(const std::string& id) {
  return "\"" + id + R"(": {"label": "L", "sentences":
      {"1": "s1", "2": "s2", "3": "s3", "4": "s4", "5": "s5"}})";
}

std::string wording() {
  return R"({"label": "My scale", "stem": "How much do you agree?",
    "options": {"agree": {"1": "no", "2": "rather no", "3": "so so", "4": "rather yes", "5": "yes"}},
    "items": {)" +
         item_texts("a") + "," + item_texts("b") + "," + item_texts("c") + "," + item_texts("d") +
         R"(},
    "scores": {"total": {"label": "T", "bands": {"low": "low", "high": "high"}},
               "mean": {"label": "M", "bands": {"low": "low", "high": "high"}},
               "zero": {"label": "Z"}}})";
}

Questionnaire load(const std::string& scale, const std::string& english) {
  TemporaryFolder folder;
  write_text(folder.path() / "mine" / "scale.json", scale);
  write_text(folder.path() / "mine" / "en.json", english);
  return load_questionnaire(folder.path() / "mine");
}

std::string questionnaire_error(const std::string& scale, const std::string& english) {
  return error_text<ConfigError>([&] { load(scale, english); });
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(Questionnaire, LoadsAUsersOwnFolder) {
  const Questionnaire questionnaire = load(kScale, wording());
  EXPECT_EQ(questionnaire.name, "mine");
  EXPECT_EQ(questionnaire.items_of(*questionnaire.find_score("total")),
            (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(questionnaire.wording("en").label, "My scale");
  EXPECT_THROW(questionnaire.wording("fr"), ConfigError);
}

TEST(Questionnaire, ReportsEveryProblemTogether) {
  std::string english = replaced(wording(), "\"3\": \"so so\", ", "");
  english = replaced(english, "\"stem\": \"How much do you agree?\"", "\"stem\": \"\"");
  english = replaced(english, "\"b\": {\"label\"", "\"e\": {\"label\"");
  english = replaced(english, "\"low\": \"low\", ", "");
  const std::string scale = replaced(kScale, "\"from\": 9", "\"from\": 10");
  const std::string error = questionnaire_error(scale, english);
  EXPECT_THAT(error, HasSubstr("en.json: options.agree: text for '3' is missing"));
  EXPECT_THAT(error, HasSubstr("en.json: stem is missing"));
  EXPECT_THAT(error, HasSubstr("en.json: items.b: the item has no texts"));
  EXPECT_THAT(error, HasSubstr("unknown item 'e'"));
  EXPECT_THAT(error, HasSubstr("text for 'low' is missing"));
  EXPECT_THAT(error, HasSubstr("gap between 'low' and 'high': 'high' starts at 10, expected 9"));
}

TEST(Questionnaire, RefusesWhatCannotBeScored) {
  struct Case {
    const char* from;
    const char* to;
    const char* message;
  };
  const Case cases[] = {
      {"\"to\": 8}", "\"to\": 9}", "overlap between"},
      {"\"from\": 3, \"to\": 8", "\"from\": 4, \"to\": 8", "expected 3, the lowest score"},
      {"\"to\": 15", "\"to\": 16", "expected 15, the highest score"},
      {"[\"a\", \"b\"]", "[\"a\", \"x\"]", "unknown item 'x'"},
      {"[\"a\", \"b\"]", "[\"a\", \"d\"]", "item 'd' is declared as not scored"},
      {"{\"id\": \"b\"", "{\"id\": \"a\"", "'a' is there twice"},
      {"\"options\": \"agree\"}", "\"options\": \"yes\"}", "options 'yes' unknown"},
      {"\"at_least\": 4", "\"at_least\": 9", "risk.at_least 9 is outside 1 to 5"},
      {"[1, 2, 3, 4, 5]", "[1, 3, 2, 4, 5]", "expected ascending numbers"},
      {"\"allowed\": 1", "\"allowed\": 3", "expected less than its 3 items"},
      {"\"version\": \"1\", ", "", "version is missing"},
      {"\"reverse\": true", "\"reversed\": true", "Did you mean 'reverse'?"},
      {"\"rule\": \"mean\"", "\"rule\": \"median\"", "'sum', 'mean'"},
  };
  for (const auto& [from, to, message] : cases)
    EXPECT_THAT(questionnaire_error(replaced(kScale, from, to), wording()), HasSubstr(message));
}

TEST(Questionnaire, FolderWithoutScaleOrWordingIsRefused) {
  TemporaryFolder folder;
  EXPECT_THROW(load_questionnaire(folder.path()), ConfigError);
  write_text(folder / "scale.json", kScale);
  EXPECT_THROW(load_questionnaire(folder.path()), ConfigError);
}

TEST(Score, HandlesReverseMissingAndBands) {
  const Questionnaire questionnaire = load(kScale, wording());
  const auto full = compute_scores(questionnaire, {{"a", 5}, {"b", 1}, {"c", 3}, {"d", 5}});
  EXPECT_EQ(full[0].value, 13);  // 5 + (1 + 5 - 1) + 3
  EXPECT_EQ(full[0].band, "high");
  EXPECT_EQ(full[1].value, 5);
  EXPECT_EQ(full[1].band, "high");
  EXPECT_FALSE(full[0].prorated);

  const auto one_missing = compute_scores(questionnaire, {{"a", 2}, {"b", 3}});
  EXPECT_EQ(one_missing[0].value, 8);  // (2 + 3) / 2 * 3 = 7.5, half up
  EXPECT_EQ(one_missing[0].band, "low");
  EXPECT_TRUE(one_missing[0].prorated);
  EXPECT_EQ(one_missing[0].missing, 1);
  EXPECT_EQ(one_missing[1].value, 2.5);
  EXPECT_EQ(one_missing[1].band, "low");
  EXPECT_EQ(one_missing[2].value, 3);  // c counts as its lowest option
  EXPECT_FALSE(one_missing[2].prorated);

  const auto two_missing = compute_scores(questionnaire, {{"a", 2}});
  EXPECT_EQ(two_missing[0].value, std::nullopt);
  EXPECT_EQ(two_missing[0].band, "");
  EXPECT_EQ(two_missing[1].value, std::nullopt);
}

TEST(Score, ProratingNeverLeavesTheScale) {
  const Questionnaire ham_d = load_questionnaire(find_questionnaire("ham_d", {}));
  const ScoreRule& total = *ham_d.find_score("total");
  for (const auto& left_out : ham_d.scale.items) {
    ItemAnswers highest;
    ItemAnswers lowest;
    for (const auto& item : ham_d.scale.items) {
      if (item.id == left_out.id) continue;
      highest[item.id] = ham_d.options_of(item).values.back();
      lowest[item.id] = 0;
    }
    EXPECT_EQ(compute_score(ham_d, total, highest).value, 52) << left_out.id;
    EXPECT_EQ(compute_score(ham_d, total, highest).band, "severe") << left_out.id;
    EXPECT_EQ(compute_score(ham_d, total, lowest).value, 0) << left_out.id;
  }
  // Half of every range: 26 with all items, whichever of them is missing.
  ItemAnswers middle;
  for (const auto& item : ham_d.scale.items)
    middle[item.id] = ham_d.options_of(item).values.back() / 2;
  middle.erase("item4");
  EXPECT_EQ(compute_score(ham_d, total, middle).value, 26);
}

TEST(Score, UpperEndOfAMeanBandBelongsToTheNextOne) {
  const Questionnaire questionnaire = load(kScale, wording());
  const ScoreRule& mean = *questionnaire.find_score("mean");
  EXPECT_EQ(band_of(mean, 2.99), "low");
  EXPECT_EQ(band_of(mean, 3), "high");
  EXPECT_EQ(band_of(mean, 5), "high");
}

TEST(Score, RiskItemsNeedTheirThreshold) {
  const Questionnaire questionnaire = load(kScale, wording());
  EXPECT_TRUE(positive_risk_items(questionnaire, {{"a", 5}, {"c", 3}}).empty());
  EXPECT_EQ(positive_risk_items(questionnaire, {{"c", 4}}), (std::vector<std::string>{"c"}));
}

/// What every shipped questionnaire must be, by folder name.
struct Shipped {
  std::size_t items;
  double highest;
  std::string rater;
  std::size_t risk_items;
};

const std::map<std::string, Shipped>& shipped() {
  static const std::map<std::string, Shipped> table = {
      {"phq9", {10, 27, "self", 1}},       {"gad7", {8, 21, "self", 0}},
      {"bdi_style", {22, 63, "self", 1}},  {"bdi_style_short", {13, 39, "self", 1}},
      {"ham_a", {14, 56, "clinician", 0}}, {"ham_d", {17, 52, "clinician", 1}},
  };
  return table;
}

TEST(ShippedQuestionnaires, EachLoadsInBothLanguages) {
  for (const auto& [name, expected] : shipped()) {
    const Questionnaire questionnaire = load_questionnaire(find_questionnaire(name, {}));
    EXPECT_EQ(questionnaire.scale.items.size(), expected.items) << name;
    EXPECT_EQ(questionnaire.scale.scores.front().name, "total") << name;
    EXPECT_EQ(questionnaire.scale.scores.front().bands.back().to, expected.highest) << name;
    EXPECT_EQ(questionnaire.scale.rater, expected.rater) << name;
    EXPECT_EQ(questionnaire.wordings.size(), 2u) << name;
    std::size_t risk_items = 0;
    for (const auto& item : questionnaire.scale.items) risk_items += item.risk.has_value();
    EXPECT_EQ(risk_items, expected.risk_items) << name;
  }
}

TEST(ShippedQuestionnaires, BandsStartAtThePublishedCutOffs) {
  const std::map<std::string, std::vector<double>> cut_offs = {
      {"phq9", {0, 5, 10, 15, 20}},        // Kroenke, Spitzer, Williams 2001
      {"gad7", {0, 5, 10, 15}},            // Spitzer, Kroenke, Williams, Loewe 2006
      {"bdi_style", {0, 10, 19, 30}},      // Beck, Steer, Garbin 1988
      {"bdi_style_short", {0, 5, 8, 16}},  // Beck, Beck 1972
      {"ham_a", {0, 8, 15, 24}},           // Matza et al. 2010
      {"ham_d", {0, 8, 17, 24}},           // Zimmerman et al. 2013
  };
  for (const auto& [name, expected] : cut_offs) {
    const Questionnaire questionnaire = load_questionnaire(find_questionnaire(name, {}));
    std::vector<double> starts;
    for (const auto& band : questionnaire.find_score("total")->bands) starts.push_back(band.from);
    EXPECT_EQ(starts, expected) << name;
  }
  EXPECT_EQ(cut_offs.size(), shipped().size());
}

TEST(ShippedQuestionnaires, FolderHoldsExactlyTheListedFiles) {
  std::size_t files = 0;
  std::size_t scales = 0;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(configs_folder() / "questionnaires")) {
    if (entry.path().extension() != ".json") continue;
    ++files;
    if (entry.path().filename() != "scale.json") continue;
    ++scales;
    EXPECT_TRUE(shipped().contains(entry.path().parent_path().filename().string()));
    EXPECT_THAT(read_file(entry.path()), ::testing::StartsWith("// ")) << entry.path();
  }
  EXPECT_EQ(scales, 6u);
  EXPECT_EQ(files, 18u);
}

TEST(ShippedQuestionnaires, SentencesOfAnItemDiffer) {
  for (const auto& [name, expected] : shipped()) {
    const Questionnaire questionnaire = load_questionnaire(find_questionnaire(name, {}));
    for (const auto& [language, texts] : questionnaire.wordings)
      for (const auto& [id, item] : texts.items) {
        std::set<std::string> sentences;
        for (const auto& [value, sentence] : item.sentences) {
          sentences.insert(sentence);
          EXPECT_EQ(sentence.back(), '.') << name << " " << language << " " << sentence;
        }
        EXPECT_EQ(sentences.size(), item.sentences.size()) << name << " " << language << " " << id;
      }
  }
}

TEST(ShippedQuestionnaires, UnknownNameListsTheKnownOnes) {
  const auto error = error_text<ConfigError>([] { find_questionnaire("phq8", {}); });
  EXPECT_THAT(error, HasSubstr("'bdi_style', 'bdi_style_short', 'gad7'"));
  EXPECT_THAT(error, HasSubstr("Did you mean 'phq9'?"));
}

}  // namespace
}  // namespace sqpsych
