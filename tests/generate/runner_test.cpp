#include "generate/runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "core/interrupt.h"
#include "core/json_lines.h"
#include "core/text.h"
#include "data/sessions/session.h"
#include "generate/run_folder.h"
#include "tests/generate/support.h"
#include "tests/support/error_text.h"

namespace sqpsych {
namespace {

using testing::error_text;
using ::testing::HasSubstr;

struct Runner {
  testing::TemporaryFolder folder;
  RunOptions options;
  explicit Runner(int profiles) {
    testing::write_text(folder / "profiles.jsonl", testing::profile_lines(profiles));
    options.profiles = folder / "profiles.jsonl";
    options.output = folder / "run";
  }
  RunSummary run(const std::vector<std::string>& sets = {}, const char* protocol = "demo.json") {
    const auto loaded = testing::load_protocol(protocol, sets);
    return run_generation(loaded.config, loaded.origin, options);
  }
  std::string sessions() const { return read_file(options.output / "sessions.jsonl"); }
};

TEST(Runner, GivesTheSameBytesForAnyNumberOfWorkers) {
  Runner one(7), many(7);
  one.run({"workers=1", "sessions_per_profile=2"});
  many.run({"workers=5", "sessions_per_profile=2"});
  EXPECT_EQ(one.sessions(), many.sessions());
  EXPECT_EQ(read_json_lines(one.options.output / "sessions.jsonl").size(), 14U);
}

TEST(Runner, KeepsTheOrderOfProfilesAndLabelsScriptedText) {
  Runner runner(5);
  runner.run();
  const auto records = read_json_lines(runner.options.output / "sessions.jsonl");
  ASSERT_EQ(records.size(), 5U);
  for (std::size_t i = 0; i < records.size(); ++i) {
    const auto session = session_from_json(records[i], "line");
    EXPECT_EQ(session.client_id, format("client{:03}", i));
    EXPECT_EQ(session.stop_reason, "end_token");
    EXPECT_EQ(session.messages.size() % 2, 0U);
    for (const auto& message : session.messages) {
      EXPECT_EQ(message.model, "scripted:cbt-en");
      EXPECT_EQ(message.text.find("/END"), std::string::npos);
      EXPECT_EQ(message.seconds, 0);
    }
  }
  for (const char* name : {"config.json", "manifest.json", "inputs.json", "prompts"})
    EXPECT_TRUE(std::filesystem::exists(runner.options.output / name)) << name;
  EXPECT_FALSE(std::filesystem::exists(runner.options.output / "journal.jsonl"));
}

TEST(Runner, GoesOnWhereItStopped) {
  Runner whole(6), parts(6);
  whole.run();
  parts.options.limit = 2;
  EXPECT_EQ(parts.run().complete, 2);
  parts.options.limit = 4;
  EXPECT_EQ(parts.run().found, 2);
  parts.options.limit.reset();
  const auto last = parts.run({"workers=3"});
  EXPECT_EQ(last.found, 4);
  EXPECT_EQ(last.complete, 6);
  EXPECT_EQ(parts.sessions(), whole.sessions());
}

TEST(Runner, DropsAHalfWrittenLine) {
  Runner whole(3), broken(3);
  whole.run();
  broken.run();
  const auto text = broken.sessions();
  const auto second = text.find('\n') + 1;
  testing::write_text(broken.options.output / "journal.jsonl", text.substr(0, second + 100));
  std::filesystem::remove(broken.options.output / "sessions.jsonl");
  EXPECT_EQ(broken.run().found, 1);
  EXPECT_EQ(broken.sessions(), whole.sessions());
}

TEST(Runner, ShardsTogetherAreTheWhole) {
  Runner whole(5), shard(5);
  whole.run();
  std::set<std::string> lines;
  for (const char* part : {"1/2", "2/2"}) {
    shard.options.shard = parse_shard(part);
    shard.options.output = shard.folder / std::string(1, part[0]);
    shard.run();
    for (const auto& record : read_json_lines(shard.options.output / "sessions.jsonl"))
      EXPECT_TRUE(lines.insert(to_line(record)).second);
  }
  EXPECT_EQ(lines.size(), 5U);
  for (const auto& record : read_json_lines(whole.options.output / "sessions.jsonl"))
    EXPECT_TRUE(lines.count(to_line(record)));
  for (const char* wrong : {"0/2", "3/2", "1", "a/b", "1/0", "-1/2", ""})
    EXPECT_THAT(error_text<ConfigError>([&] { parse_shard(wrong); }),
                HasSubstr(format("--shard: found '{}'", wrong)));
}

TEST(Runner, NamesWhatChangedSinceTheRunBegan) {
  Runner runner(3);
  runner.run();
  EXPECT_THAT(error_text<ConfigError>([&] { runner.run({"seed=7"}); }),
              HasSubstr("seed: found 7, expected 666"));
  EXPECT_THAT(error_text<ConfigError>([&] { runner.run({"graph.max_turns=20"}); }),
              HasSubstr("graph.max_turns"));
  EXPECT_NO_THROW(runner.run({"workers=4", "max_failures=3"}));
  testing::write_text(runner.options.profiles, testing::profile_lines(4));
  EXPECT_THAT(error_text<ConfigError>([&] { runner.run(); }), HasSubstr("profiles"));
  runner.options.existing = Existing::kOverwrite;
  EXPECT_EQ(runner.run().complete, 4);
}

TEST(Runner, LetsOneProcessIntoAFolder) {
  Runner runner(2);
  std::filesystem::create_directories(runner.options.output);
  testing::write_text(runner.options.output / "run.lock", "999999\n");
  EXPECT_NO_THROW(runner.run());
  const RunFolder held(runner.folder / "held", {Json::object(), Json::object(), {}},
                       Existing::kRefuse);
  runner.options.output = runner.folder / "held";
  EXPECT_THAT(error_text<ConfigError>([&] { runner.run(); }), HasSubstr("at work"));
}

TEST(Runner, LeavesForeignFoldersAlone) {
  // A model or a training has a config.json too.
  for (const char* name : {"thesis.txt", "config.json"}) {
    Runner runner(2);
    testing::write_text(runner.options.output / name, "years of work");
    for (const auto existing : {Existing::kRefuse, Existing::kOverwrite}) {
      runner.options.existing = existing;
      EXPECT_THAT(error_text<ConfigError>([&] { runner.run(); }), HasSubstr("other files"));
    }
    EXPECT_EQ(read_file(runner.options.output / name), "years of work");
  }
}

TEST(Runner, FollowsTheRiskPolicy) {
  Runner runner(4);
  auto at_risk = testing::example_profile(9, 3);
  at_risk.risk_positive = true;
  at_risk.risk_items = {"phq9.item9"};
  testing::write_text(runner.options.profiles,
                      testing::profile_lines(2) + to_line(to_json(at_risk)) + "\n");
  auto summary = runner.run();
  EXPECT_EQ(summary.complete, 2);
  EXPECT_EQ(summary.excluded_by_risk, 1);
  for (const char* policy : {"mark", "protocol"}) {
    runner.options.output = runner.folder / policy;
    EXPECT_EQ(runner.run({format("risk_policy={}", policy)}).complete, 3);
    const auto records = read_json_lines(runner.options.output / "sessions.jsonl");
    EXPECT_EQ(records[2]["risk"]["positive"], true);
    EXPECT_EQ(records[2]["risk"]["policy"], policy);
    const auto copy = runner.options.output / "prompts/crisis.en.md";
    EXPECT_EQ(std::filesystem::exists(copy), policy == std::string("protocol"));
    if (std::filesystem::exists(copy)) {
      EXPECT_EQ(read_file(copy), read_file(testing::configs() / "crisis/en.md"));
    }
  }
}

TEST(Runner, ForecastsWithoutWriting) {
  Runner runner(4);
  const auto loaded = testing::load_protocol("sqpsych.json");
  const auto forecast = forecast_run(loaded.config, loaded.origin, runner.options);
  EXPECT_EQ(forecast.sessions, 4);
  EXPECT_EQ(forecast.least_calls, 2 * (7 + 7 + 12 + 12));
  EXPECT_EQ(forecast.most_calls, 4 * 66 * 11);
  EXPECT_FALSE(std::filesystem::exists(runner.options.output));
}

TEST(Runner, KeepsTheLimitsOfTheProtocol) {
  Runner runner(6);
  runner.run({}, "sqpsych.json");
  const auto records = read_json_lines(runner.options.output / "sessions.jsonl");
  ASSERT_EQ(records.size(), 6U);
  for (const auto& record : records) {
    const auto session = session_from_json(record, "line");
    EXPECT_GE(session.messages.size(), 30U);
    EXPECT_LE(session.messages.size(), 66U);
  }
}

TEST(Runner, StopsCleanlyWhenASignalComes) {
  Runner runner(3);
  set_interrupt_requested(true);
  EXPECT_THROW(runner.run(), Interrupted);
  set_interrupt_requested(false);
  EXPECT_EQ(runner.run().complete, 3);
}

TEST(Runner, ReportsAllProblemsOfAConfigTogether) {
  Runner runner(2);
  const auto message = error_text<ConfigError>([&] {
    runner.run({"graph.order=[\"counselor\",\"clinet\"]", "agents.client.backend=scirpt",
                "agents.counselor.may_read=[\"itmes\"]"});
  });
  for (const char* part : {"clinet", "scirpt", "itmes"}) EXPECT_THAT(message, HasSubstr(part));
}

}  // namespace
}  // namespace sqpsych
