#include "data/profiles/profile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/json_lines.h"
#include "tests/support/error_text.h"
#include "tests/support/temporary_folder.h"

namespace sqpsych {
namespace {

using ::testing::HasSubstr;

Profile example() {
  Profile profile;
  profile.client_id = "c_0123456789abcdef";
  profile.occasion = "baseline";
  profile.language = "en";
  profile.group = "control";
  profile.demographics = {{"age", "34"}, {"gender", "female"}};
  ProfileQuestionnaire questionnaire{"phq9", "1.0", "self", {}, {}, "PHQ-9"};
  questionnaire.items.push_back({"item1", 2.0, "I was tired.", ""});
  questionnaire.items.push_back({"item2", std::nullopt, "", "refused"});
  questionnaire.scores.push_back({"total", 12.5, "moderate", 1, true, "moderate"});
  questionnaire.scores.push_back({"sub", std::nullopt, "", 2, false, ""});
  profile.questionnaires.push_back(questionnaire);
  profile.risk_items = {"phq9.item9"};
  profile.risk_positive = true;
  profile.notes = "came early";
  profile.unknown["site"] = "A";
  return profile;
}

TEST(Profile, RoundTripsWithUnknownKeys) {
  const Json record = to_json(example());
  EXPECT_EQ(to_json(profile_from_json(record, "here")), record);
  EXPECT_EQ(record["site"], "A");
  EXPECT_TRUE(record["questionnaires"][0]["items"][0]["value"].is_number_integer());
  EXPECT_TRUE(record["questionnaires"][0]["items"][1]["value"].is_null());
}

TEST(Profile, WrongTypesAreRefusedByPlaceAndKey) {
  struct Case {
    const char* pointer;
    Json value;
    const char* message;
  };
  const Case cases[] = {
      {"/schema", "sqpsych.session/1", "schema"},
      {"/client_id", 5, "client_id"},
      {"/client_id", "", "client_id"},
      {"/occasion", 1, "occasion"},
      {"/demographics", Json::array(), "demographics"},
      {"/demographics/age", 34, "'demographics.age': found number, expected a text"},
      {"/questionnaires", "x", "questionnaires"},
      {"/questionnaires/0", "x", "questionnaires[0]"},
      {"/questionnaires/0/items/1/value", "2", "items[1]: 'value'"},
      {"/questionnaires/0/scores/0/prorated", 1, "prorated"},
      {"/risk", Json::array(), "risk"},
      {"/risk/positive", "yes", "positive"},
      {"/risk/items", Json::array({1}), "risk.items"},
  };
  for (const auto& [pointer, value, message] : cases) {
    Json record = to_json(example());
    record[Json::json_pointer(pointer)] = value;
    const auto error =
        testing::error_text<FormatError>([&] { profile_from_json(record, "profiles.jsonl:3"); });
    EXPECT_THAT(error, HasSubstr("profiles.jsonl:3")) << pointer;
    EXPECT_THAT(error, HasSubstr(message)) << pointer;
  }
}

TEST(Profile, SecondRecordOfAnOccasionIsRefused) {
  testing::TemporaryFolder folder;
  const std::string line = to_line(to_json(example())) + "\n";
  Profile follow_up = example();
  follow_up.occasion = "follow-up";
  testing::write_text(folder / "a.jsonl", line + to_line(to_json(follow_up)) + "\n");
  EXPECT_EQ(read_profiles(folder / "a.jsonl").size(), 2u);
  testing::write_text(folder / "b.jsonl", line + line);
  EXPECT_THROW(read_profiles(folder / "b.jsonl"), FormatError);
}

}  // namespace
}  // namespace sqpsych
