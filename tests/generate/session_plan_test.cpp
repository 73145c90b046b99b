#include "generate/session_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "core/hash.h"
#include "tests/generate/support.h"
#include "tests/support/error_text.h"

namespace sqpsych {
namespace {

using ::testing::HasSubstr;

GenerateConfig config_with(const std::vector<std::string>& sets) {
  return testing::load_protocol("demo.json", sets).config;
}

struct Profiles {
  testing::TemporaryFolder folder;
  std::filesystem::path file = folder / "profiles.jsonl";
  explicit Profiles(const std::string& lines) { testing::write_text(file, lines); }
};

std::string line_of(const Profile& profile) { return to_line(to_json(profile)) + "\n"; }

TEST(SessionPlan, GivesEveryProfileItsReplicatesInOrder) {
  const Profiles profiles(testing::profile_lines(3));
  const auto plan = plan_sessions(profiles.file, config_with({"sessions_per_profile=3"}));
  ASSERT_EQ(plan.sessions.size(), 9U);
  std::set<std::string> ids;
  for (std::size_t i = 0; i < 9; ++i) {
    EXPECT_EQ(plan.sessions[i].profile, i / 3);
    EXPECT_EQ(plan.sessions[i].replicate, static_cast<std::int64_t>(i % 3));
    EXPECT_TRUE(ids.insert(plan.sessions[i].id).second);
  }
  const auto fewer = plan_sessions(profiles.file, config_with({}));
  EXPECT_EQ(fewer.sessions[2].id, plan.sessions[6].id) << "more replicates move no session";
}

TEST(SessionPlan, HashesProfileStrategyReplicateAndRunSeedIntoTheId) {
  const auto profile = testing::example_profile(1, 3);
  const Profiles profiles(line_of(profile));
  const auto id_with = [&](const std::vector<std::string>& sets) {
    return plan_sessions(profiles.file, config_with(sets)).sessions[0].id;
  };
  const Json parts = {sha256_hex(to_line(to_json(profile))), "sqpsych_demo", 0, 666};
  EXPECT_EQ(id_with({}), sha256_hex(parts.dump()).substr(0, 24));
  EXPECT_EQ(id_with({"workers=7", "graph.max_turns=13"}), id_with({}));
  EXPECT_NE(id_with({"seed=7"}), id_with({}));
  EXPECT_NE(id_with({"strategy=other"}), id_with({}));
  auto older = profile;
  older.demographics["age"] = "22";
  const Profiles changed(line_of(older));
  EXPECT_NE(plan_sessions(changed.file, config_with({})).sessions[0].id, id_with({}));
}

TEST(SessionPlan, LeavesProfilesAtRiskOutOnlyWhenToldTo) {
  auto at_risk = testing::example_profile(9, 3);
  at_risk.risk_positive = true;
  at_risk.group = "its own";
  const Profiles profiles(testing::profile_lines(2) + line_of(at_risk));
  for (const char* policy : {"exclude", "mark", "protocol"}) {
    const auto plan = plan_sessions(profiles.file, config_with({format("risk_policy={}", policy)}));
    const bool excluded = policy == std::string("exclude");
    EXPECT_EQ(plan.sessions.size(), excluded ? 2U : 3U) << policy;
    EXPECT_EQ(plan.excluded_by_risk, excluded ? 1 : 0);
    EXPECT_EQ(plan.risk_positive, 1);
    EXPECT_EQ(plan.groups.count("its own"), excluded ? 0U : 1U);
  }
}

TEST(SessionPlan, ShardsAreDisjointAndTogetherTheWhole) {
  const Profiles profiles(testing::profile_lines(7));
  const auto plan = plan_sessions(profiles.file, config_with({"sessions_per_profile=2"}));
  for (std::int64_t count = 1; count <= 9; ++count) {
    std::vector<std::size_t> owner(plan.sessions.size(), 0);
    for (std::int64_t index = 1; index <= count; ++index)
      for (const auto session : select_sessions(plan, {index, count}, std::nullopt)) {
        EXPECT_EQ(owner[session], 0U) << "in two shards of " << count;
        owner[session] = static_cast<std::size_t>(index);
      }
    for (std::size_t i = 0; i < owner.size(); ++i) {
      EXPECT_NE(owner[i], 0U) << "in no shard of " << count;
      EXPECT_EQ(owner[i], owner[i / 2 * 2]) << "one profile, one shard";
    }
  }
}

TEST(SessionPlan, LimitsAShardToItsFirstSessions) {
  const Profiles profiles(testing::profile_lines(6));
  const auto plan = plan_sessions(profiles.file, config_with({}));
  EXPECT_EQ(select_sessions(plan, {2, 3}, 1), std::vector<std::size_t>{1});
  EXPECT_EQ(select_sessions(plan, {2, 3}, 99), (std::vector<std::size_t>{1, 4}));
}

TEST(SessionPlan, NamesProfilesThatComeTwice) {
  const Profiles profiles(testing::profile_lines(2) + testing::profile_lines(1));
  const auto error =
      testing::error_text<FormatError>([&] { plan_sessions(profiles.file, config_with({})); });
  EXPECT_THAT(error, HasSubstr("profiles.jsonl:3"));
  EXPECT_THAT(error, HasSubstr("line 1 again"));
}

TEST(SessionPlan, SpeaksTheProfilesLanguageUnlessToldOtherwise) {
  auto german = testing::example_profile(1, 2);
  german.language = "de";
  const Profiles profiles(testing::profile_lines(1) + line_of(german));
  const auto own = plan_sessions(profiles.file, config_with({}));
  EXPECT_EQ(own.languages, (std::set<std::string>{"de", "en"}));
  EXPECT_EQ(own.other_language, 0);
  const auto english = plan_sessions(profiles.file, config_with({"language=en"}));
  EXPECT_EQ(english.languages, std::set<std::string>{"en"});
  EXPECT_EQ(english.other_language, 1);
}

}  // namespace
}  // namespace sqpsych
