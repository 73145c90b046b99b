#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "core/files.h"
#include "core/random.h"
#include "tests/generate/support.h"
#include "tests/support/child_process.h"

namespace sqpsych {
namespace {

using testing::exit_code_of;
using testing::has_ended;
using testing::start_program;

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

std::uintmax_t size_of(const std::filesystem::path& file) {
  std::error_code ignored;
  const auto size = std::filesystem::file_size(file, ignored);
  return ignored ? 0 : size;
}

/// The sessions that a kill must not lose: the lines that are complete.
std::string complete_lines(const std::filesystem::path& journal) {
  if (!std::filesystem::exists(journal)) return "";
  const auto text = read_file(journal);
  return text.substr(0, text.rfind('\n') + 1);
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
  ASSERT_EQ(exit_code_of(start_program(command_for(folder.path(), "whole"))), 0);
  const auto journal = folder / "killed/journal.jsonl";
  RandomStream random(11);
  int kills = 0;
  for (int i = 0; i < 5; ++i) {
    const auto before = size_of(journal);
    const auto kept = complete_lines(journal);
    const pid_t child = start_program(command_for(folder.path(), "killed"));
    wait_for_progress(child, journal, before, random);
    ASSERT_EQ(kill(-child, SIGKILL), 0);
    kills += exit_code_of(child) == 128 + SIGKILL;
    EXPECT_THAT(complete_lines(journal), ::testing::StartsWith(kept));
  }
  EXPECT_EQ(kills, 5) << "the run was over before it could be killed five times";
  EXPECT_FALSE(std::filesystem::exists(folder / "killed/sessions.jsonl"));
  ASSERT_EQ(exit_code_of(start_program(command_for(folder.path(), "killed"))), 0);
  EXPECT_EQ(read_file(folder / "killed/sessions.jsonl"),
            read_file(folder / "whole/sessions.jsonl"));
}

TEST(InterruptedGeneration, EndsWithItsOwnCodeAndGoesOn) {
  const testing::TemporaryFolder folder;
  testing::write_text(folder / "profiles.jsonl", testing::profile_lines(kProfiles));
  RandomStream random(7);
  const pid_t child = start_program(command_for(folder.path(), "run"));
  wait_for_progress(child, folder / "run/journal.jsonl", 0, random);
  ASSERT_EQ(kill(child, SIGTERM), 0);
  EXPECT_EQ(exit_code_of(child), 75);
  EXPECT_FALSE(std::filesystem::exists(folder / "run/sessions.jsonl"));
  EXPECT_EQ(exit_code_of(start_program(command_for(folder.path(), "run"))), 0);
  EXPECT_TRUE(std::filesystem::exists(folder / "run/sessions.jsonl"));
}

}  // namespace
}  // namespace sqpsych
