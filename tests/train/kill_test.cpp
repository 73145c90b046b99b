#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "core/files.h"
#include "core/json_lines.h"
#include "core/random.h"
#include "core/text.h"
#include "tests/support/child_process.h"
#include "tests/support/temporary_folder.h"
#include "tests/train/tiny_files.h"
#include "train/run_log.h"

namespace fs = std::filesystem;

namespace sqpsych {
namespace {

using testing::exit_code_of;

constexpr int kInterrupted = 75;
constexpr std::int64_t kSteps = 60;

std::size_t metric_lines(const fs::path& run) {
  if (!fs::exists(run / "metrics.jsonl")) return 0;
  const std::string text = read_file(run / "metrics.jsonl");
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

std::int64_t newest_checkpoint(const fs::path& run) {
  constexpr std::string_view kPrefix = "checkpoint-";
  std::int64_t newest = 0;
  for (const auto& entry : fs::directory_iterator(run)) {
    const auto name = entry.path().filename().string();
    if (name.starts_with(kPrefix))
      newest = std::max<std::int64_t>(newest, std::stoll(name.substr(kPrefix.size())));
  }
  return newest;
}

/// What a kill must not lose, and what going on must not do again: the metrics of the steps before
/// the newest checkpoint, with their wall-clock times.
std::string kept_metrics(const fs::path& run) {
  std::string text;
  if (!fs::exists(run / "metrics.jsonl")) return text;
  const auto newest = newest_checkpoint(run);
  for (const Json& record : read_json_lines(run / "metrics.jsonl")) {
    if (record["step"] >= newest) break;
    text += record.dump() + "\n";
  }
  return text;
}

std::string without_clock(const fs::path& metrics) {
  std::string text;
  for (Json record : read_json_lines(metrics)) {
    for (const auto& key : wall_clock_keys()) record.erase(key);
    text += record.dump() + "\n";
  }
  return text;
}

/// The real binary with the settings of the acceptance test: checkpoints every 10 steps,
/// accumulation 4, dropout 0.1.
class KilledTraining : public ::testing::Test {
 protected:
  void SetUp() override {
    testing::write_tiny_model(folder_ / "model");
    testing::write_tiny_data(folder_ / "data");
    const Json config = {{"max_steps", kSteps},
                         {"per_device_train_batch_size", 1},
                         {"gradient_accumulation_steps", 4},
                         {"lora_r", 4},
                         {"lora_dropout", 0.1},
                         {"logging_steps", 1},
                         {"eval_strategy", "steps"},
                         {"eval_steps", 10},
                         {"save_strategy", "steps"},
                         {"save_steps", 10},
                         {"device", "cpu"}};
    testing::write_text(folder_ / "config.json", config.dump());
  }

  pid_t start(const fs::path& run) {
    return testing::start_program({SQPSYCH_BINARY, "train", "--model", folder_ / "model", "--data",
                                   folder_ / "data", "--output", run, "--config",
                                   folder_ / "config.json"});
  }

  /// Sends `signal` once the run has written so many lines, and some random microseconds later.
  int signal_behind(const fs::path& run, std::size_t lines, int signal) {
    const pid_t child = start(run);
    while (metric_lines(run) < lines && !testing::has_ended(child))
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    RandomStream stream(derive_seed({"kill", static_cast<std::int64_t>(lines)}));
    std::this_thread::sleep_for(std::chrono::microseconds(stream.below(8000)));
    kill(child, signal);
    return testing::exit_code_of(child);
  }

  void expect_equal_runs(const fs::path& found, const fs::path& expected) {
    EXPECT_EQ(without_clock(found / "metrics.jsonl"), without_clock(expected / "metrics.jsonl"));
    for (const char* name : {"adapter/adapter_model.safetensors", "adapter/adapter_config.json",
                             "checkpoint-60/optimizer.safetensors"})
      EXPECT_EQ(read_file(found / name), read_file(expected / name)) << name;
  }

  testing::TemporaryFolder folder_;
};

TEST_F(KilledTraining, FiveKillsLeaveTheUninterruptedRun) {
  const fs::path whole = folder_ / "whole", killed = folder_ / "killed";
  ASSERT_EQ(exit_code_of(start(whole)), 0);
  RandomStream stream(derive_seed({"moments of SIGKILL"}));
  int kills = 0;
  std::string kept;
  for (const std::size_t begin : {1u, 12u, 24u, 36u, 48u}) {
    kills += signal_behind(killed, begin + stream.below(9), SIGKILL) == 128 + SIGKILL;
    EXPECT_THAT(kept_metrics(killed), ::testing::StartsWith(kept));
    kept = kept_metrics(killed);
  }
  EXPECT_EQ(kills, 5);
  EXPECT_NE(kept, "");
  ASSERT_EQ(exit_code_of(start(killed)), 0);
  EXPECT_THAT(kept_metrics(killed), ::testing::StartsWith(kept));
  expect_equal_runs(killed, whole);
}

TEST_F(KilledTraining, TerminationSavesACheckpointAndEndsWithItsCode) {
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1}) {
    const fs::path run = folder_ / format("signal-{}", signal);
    EXPECT_EQ(signal_behind(run, 14, signal), kInterrupted);
    std::size_t checkpoints = 0;
    for (const auto& entry : fs::directory_iterator(run))
      checkpoints += entry.path().filename().string().starts_with("checkpoint-");
    EXPECT_EQ(checkpoints, 2u) << "the one of step 10 and the one of the interruption";
    EXPECT_EQ(exit_code_of(start(run)), 0);
  }
}

}  // namespace
}  // namespace sqpsych
