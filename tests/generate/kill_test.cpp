#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "core/files.h"
#include "core/random.h"
#include "tests/generate/support.h"

namespace sqpsych {
namespace {

constexpr int kProfiles = 150;

std::vector<std::string> command_for(const std::filesystem::path& folder, const std::string& run) {
  return {SQPSYCH_BINARY,
          "generate",
          (folder / "profiles.jsonl").string(),
          "--config",
          (testing::configs() / "generate/demo.json").string(),
          "--set",
          "sessions_per_profile=3",
          "--output",
          (folder / run).string()};
}

/// Starts the binary in a process group of its own.
pid_t start(const std::vector<std::string>& command) {
  const pid_t child = fork();
  if (child != 0) return child;
  setpgid(0, 0);
  const int nowhere = open("/dev/null", O_WRONLY);
  dup2(nowhere, STDOUT_FILENO);
  dup2(nowhere, STDERR_FILENO);
  std::vector<char*> arguments;
  for (const auto& part : command) arguments.push_back(const_cast<char*>(part.c_str()));
  arguments.push_back(nullptr);
  execv(arguments[0], arguments.data());
  _exit(127);
}

int wait_for(pid_t child) {
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

std::uintmax_t size_of(const std::filesystem::path& file) {
  std::error_code ignored;
  const auto size = std::filesystem::file_size(file, ignored);
  return ignored ? 0 : size;
}

bool has_ended(pid_t child) {
  siginfo_t info = {};
  waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOHANG | WNOWAIT);
  return info.si_pid == child;
}

/// Waits until the run has written something new or ended, then a random moment more.
void wait_for_progress(pid_t child, const std::filesystem::path& journal, std::uintmax_t before,
                       RandomStream& random) {
  while (size_of(journal) <= before && !has_ended(child))
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  std::this_thread::sleep_for(std::chrono::microseconds(random.below(60'000)));
}

TEST(KilledGeneration, LosesNothingAndDoesNothingTwice) {
  const testing::TemporaryFolder folder;
  testing::write_text(folder / "profiles.jsonl", testing::profile_lines(kProfiles));
  ASSERT_EQ(wait_for(start(command_for(folder.path(), "whole"))), 0);
  const auto journal = folder / "killed/journal.jsonl";
  RandomStream random(11);
  int kills = 0;
  for (int i = 0; i < 5; ++i) {
    const auto before = size_of(journal);
    const pid_t child = start(command_for(folder.path(), "killed"));
    wait_for_progress(child, journal, before, random);
    ASSERT_EQ(kill(-child, SIGKILL), 0);
    kills += wait_for(child) == 128 + SIGKILL;
  }
  EXPECT_EQ(kills, 5) << "the run was over before it could be killed five times";
  EXPECT_FALSE(std::filesystem::exists(folder / "killed/sessions.jsonl"));
  ASSERT_EQ(wait_for(start(command_for(folder.path(), "killed"))), 0);
  EXPECT_EQ(read_file(folder / "killed/sessions.jsonl"),
            read_file(folder / "whole/sessions.jsonl"));
}

TEST(InterruptedGeneration, EndsWithItsOwnCodeAndGoesOn) {
  const testing::TemporaryFolder folder;
  testing::write_text(folder / "profiles.jsonl", testing::profile_lines(kProfiles));
  RandomStream random(7);
  const pid_t child = start(command_for(folder.path(), "run"));
  wait_for_progress(child, folder / "run/journal.jsonl", 0, random);
  ASSERT_EQ(kill(child, SIGTERM), 0);
  EXPECT_EQ(wait_for(child), 75);
  EXPECT_FALSE(std::filesystem::exists(folder / "run/sessions.jsonl"));
  EXPECT_EQ(wait_for(start(command_for(folder.path(), "run"))), 0);
  EXPECT_TRUE(std::filesystem::exists(folder / "run/sessions.jsonl"));
}

}  // namespace
}  // namespace sqpsych
