#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "core/files.h"
#include "core/json_lines.h"
#include "core/random.h"
#include "core/text.h"
#include "tests/support/temporary_folder.h"
#include "tests/train/tiny_files.h"
#include "train/run_log.h"

extern char** environ;

namespace fs = std::filesystem;

namespace sqpsych {
namespace {

constexpr int kInterrupted = 75;
constexpr std::int64_t kSteps = 60;

/// The real binary with the settings of the acceptance test: checkpoints every 10 steps,
/// accumulation 4, dropout 0.1.
class RealTraining {
 public:
  RealTraining(const fs::path& folder, const fs::path& output)
      : arguments_({SQPSYCH_BINARY, "train", "--model", folder / "model", "--data", folder / "data",
                    "--output", output, "--config", folder / "config.json"}) {}

  pid_t start() {
    std::vector<char*> argv;
    for (auto& argument : arguments_) argv.push_back(argument.data());
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    pid_t child = 0;
    const int error = posix_spawn(&child, SQPSYCH_BINARY, &actions, nullptr, argv.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    EXPECT_EQ(error, 0);
    return child;
  }

  /// Exit code, or minus the signal.
  static int wait_for(pid_t child) {
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

 private:
  std::vector<std::string> arguments_;
};

std::size_t metric_lines(const fs::path& run) {
  if (!fs::exists(run / "metrics.jsonl")) return 0;
  const std::string text = read_file(run / "metrics.jsonl");
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

bool has_ended(pid_t child) {
  siginfo_t info = {};
  waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOHANG | WNOWAIT);
  return info.si_pid == child;
}

/// Sends `signal` once the run has written so many lines, and some random microseconds later.
int signal_behind(RealTraining& training, const fs::path& run, std::size_t lines, int signal) {
  const pid_t child = training.start();
  while (metric_lines(run) < lines && !has_ended(child))
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  RandomStream stream(derive_seed({"kill", static_cast<std::int64_t>(lines)}));
  std::this_thread::sleep_for(std::chrono::microseconds(stream.below(8000)));
  kill(child, signal);
  return RealTraining::wait_for(child);
}

std::string without_clock(const fs::path& metrics) {
  std::string text;
  for (Json record : read_json_lines(metrics)) {
    for (const auto& key : wall_clock_keys()) record.erase(key);
    text += record.dump() + "\n";
  }
  return text;
}

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

  void expect_equal_runs(const fs::path& found, const fs::path& expected) {
    EXPECT_EQ(without_clock(found / "metrics.jsonl"), without_clock(expected / "metrics.jsonl"));
    for (const char* name : {"adapter/adapter_model.safetensors", "adapter/adapter_config.json",
                             "checkpoint-60/optimizer.safetensors"})
      EXPECT_EQ(read_file(found / name), read_file(expected / name)) << name;
  }

  testing::TemporaryFolder folder_;
};

TEST_F(KilledTraining, FiveKillsLeaveTheUninterruptedRun) {
  RealTraining whole(folder_.path(), folder_ / "whole");
  ASSERT_EQ(RealTraining::wait_for(whole.start()), 0);
  RealTraining killed(folder_.path(), folder_ / "killed");
  RandomStream stream(derive_seed({"moments of SIGKILL"}));
  int kills = 0;
  for (const std::size_t begin : {1u, 12u, 24u, 36u, 48u})
    kills +=
        signal_behind(killed, folder_ / "killed", begin + stream.below(9), SIGKILL) == -SIGKILL;
  EXPECT_EQ(kills, 5);
  ASSERT_EQ(RealTraining::wait_for(killed.start()), 0);
  expect_equal_runs(folder_ / "killed", folder_ / "whole");
}

TEST_F(KilledTraining, TerminationSavesACheckpointAndEndsWithItsCode) {
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1}) {
    const fs::path run = folder_ / format("signal-{}", signal);
    RealTraining training(folder_.path(), run);
    EXPECT_EQ(signal_behind(training, run, 14, signal), kInterrupted);
    std::size_t checkpoints = 0;
    for (const auto& entry : fs::directory_iterator(run))
      checkpoints += entry.path().filename().string().starts_with("checkpoint-");
    EXPECT_EQ(checkpoints, 2u) << "the one of step 10 and the one of the interruption";
    EXPECT_EQ(RealTraining::wait_for(training.start()), 0);
  }
}

}  // namespace
}  // namespace sqpsych
