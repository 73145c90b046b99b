#include "core/fields.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/error_text.h"
#include "tests/support/temporary_folder.h"

namespace sqpsych {
namespace {

using ::testing::HasSubstr;

struct Inner {
  std::int64_t rank = 8;
  std::string kind = "linear";
  template <class Visitor>
  void fields(Visitor& visit) {
    visit("rank", rank, "rank", at_least(1));
    visit("kind", kind, "kind", one_of({"linear", "cosine"}));
  }
};

struct Outer {
  double learning_rate = 2e-4;
  bool packing = true;
  Inner lora;
  std::vector<Inner> stages;
  std::map<std::string, Inner> groups;
  std::optional<double> limit;
  std::vector<std::string> stop = {"a"};
  ConfigPath prompt;
  Json free = Json::object();
  template <class Visitor>
  void fields(Visitor& visit) {
    visit("learning_rate", learning_rate, "peak", between(0, 1));
    visit("packing", packing, "packs rows");
    visit("lora", lora, "adapter");
    visit("stages", stages, "list of configs");
    visit("groups", groups, "configs by name");
    visit("limit", limit, "optional");
    visit("stop", stop, "texts");
    visit("prompt", prompt, "file");
    visit("free", free, "anything");
  }
  void check(ProblemList& problems) const {
    if (packing && lora.rank > 100) problems.add("packing with rank above 100");
  }
};

std::string problems_of(const std::string& text) {
  return testing::error_text<ConfigError>(
      [&] { config_from_json<Outer>(Json::parse(text), "run.json", "/cfg"); });
}

TEST(Fields, ReadsEveryKindAndEchoesItBack) {
  const Json document = Json::parse(
      R"({"learning_rate": 1e-3, "packing": false, "lora": {"rank": 4, "kind": "cosine"},
    "stages": [{"rank": 2}], "groups": {"mdd": {"rank": 3}}, "limit": 0.5, "stop": ["x", "y"],
    "prompt": "../prompts/a.txt", "free": {"any": [1]}})");
  const auto config = config_from_json<Outer>(document, "run.json", "/cfg/generate");
  EXPECT_EQ(config.prompt.path, "/cfg/prompts/a.txt");
  EXPECT_EQ(config.groups.at("mdd").rank, 3);
  const auto again = config_from_json<Outer>(config_to_json(config), "echo", "/elsewhere");
  EXPECT_EQ(config_to_json(again), config_to_json(config));
}

TEST(Fields, ReportsEveryProblemTogether) {
  const std::string text =
      problems_of(R"({"learning_rat": 1, "packing": "yes", "lora": {"rank": 0, "kind": "square"},
    "stages": [{"rank": 1.5}], "groups": [], "learning_rate": 3, "zzzzzz": 1})");
  for (const char* expected :
       {"run.json: learning_rat: unknown key. Did you mean 'learning_rate'?",
        "packing: found \"yes\", expected true or false", "lora.rank: found 0, expected at least 1",
        "lora.kind: found 'square', expected one of 'linear', 'cosine'",
        "stages[0].rank: found 1.5, expected a whole number",
        "groups: found [], expected an object", "learning_rate: found 3, expected 0 to 1",
        "zzzzzz: unknown key. Known here: 'learning_rate'"})
    EXPECT_THAT(text, HasSubstr(expected));
}

TEST(Fields, NumbersThatDoNotFitAreRefused) {
  EXPECT_THAT(problems_of(R"({"groups": {"mdd": {"rank": 9223372036854775808}}})"),
              HasSubstr("groups.mdd.rank: found 9223372036854775808, expected a whole number up to "
                        "9223372036854775807"));
}

TEST(Fields, RulesAcrossFieldsAreChecked) {
  EXPECT_THAT(problems_of(R"({"lora": {"rank": 101}})"), HasSubstr("packing with rank above 100"));
  const Json unpacked = Json::parse(R"({"lora": {"rank": 101}, "packing": false})");
  EXPECT_NO_THROW(config_from_json<Outer>(unpacked, "run.json", "/cfg"));
}

TEST(Fields, SetOverridesTheFile) {
  const testing::TemporaryFolder folder;
  testing::write_text(folder / "run.json",
                      "// comment\n{\"lora\": {\"rank\": 4}, \"stages\": [{}]}");
  const auto config =
      load_config<Outer>(folder / "run.json", {"lora.rank=16", "lora.kind=cosine", "stop=[\"z\"]",
                                               "stages.0.rank=5", "groups.control.rank=2"});
  EXPECT_EQ(config.lora.rank, 16);
  EXPECT_EQ(config.lora.kind, "cosine");
  EXPECT_EQ(config.stop, std::vector<std::string>{"z"});
  EXPECT_EQ(config.stages[0].rank, 5);
  EXPECT_EQ(config.groups.at("control").rank, 2);
  EXPECT_DOUBLE_EQ(config.learning_rate, 2e-4);
}

TEST(Fields, BadSetAndMissingFileAreSettingsErrors) {
  for (const char* assignment : {"novalue", "=1", "a..b=1"}) {
    Json document = Json::object();
    EXPECT_THROW(apply_set(document, assignment), ConfigError) << assignment;
  }
  Json scalar = {{"a", 1}};
  EXPECT_THROW(apply_set(scalar, "a.b=1"), ConfigError);
  EXPECT_THROW(load_config<Outer>("/no/such/file.json", {}), ConfigError);
}

}  // namespace
}  // namespace sqpsych
