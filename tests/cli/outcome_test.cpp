#include "cli/outcome.h"

#include <c10/util/Exception.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <thread>

namespace sqpsych {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

struct Case {
  std::function<ExitCode()> command;
  int status;
  std::string says;
};

template <class Exception>
std::function<ExitCode()> throwing(Exception exception) {
  return [exception]() -> ExitCode { throw exception; };
}

std::function<ExitCode()> ending(ExitCode code) {
  return [code] { return code; };
}

std::vector<Case> cases() {
  return {
      {ending(ExitCode::kDone), 0, ""},
      {ending(ExitCode::kTooManyFailures), 3, ""},
      {throwing(ConfigError("a.json: lora_r: found 0")), 2, "sqpsych: a.json: lora_r: found 0\n"},
      {throwing(FormatError("rows.jsonl:3: broken")), 1, "sqpsych: rows.jsonl:3: broken\n"},
      {throwing(Interrupted("train: interrupted")), 75, "sqpsych: train: interrupted\n"},
      {throwing(std::bad_alloc()), 1, "sqpsych: memory: "},
      {throwing(std::filesystem::filesystem_error(
           "status", "/x/y", std::make_error_code(std::errc::permission_denied))),
       1, "sqpsych: files: '/x/y': Permission denied."},
      {throwing(BugError("row.cpp:7: rows > 0 does not hold")), 70,
       "this is a bug in sqpsych: row.cpp:7: rows > 0 does not hold. Please report it"},
      {throwing(std::out_of_range("map::at")), 70, "this is a bug in sqpsych: map::at"},
      {throwing(7), 70, "this is a bug in sqpsych: "},
  };
}

TEST(Outcome, EveryExceptionIsOneSentenceAndAnExitStatus) {
  for (const auto& row : cases()) {
    ::testing::internal::CaptureStderr();
    const auto status = exit_status_of(row.command);
    const auto said = ::testing::internal::GetCapturedStderr();
    EXPECT_EQ(status, row.status) << row.says;
    EXPECT_THAT(said, HasSubstr(row.says));
    EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), row.says.empty() ? 0 : 1) << said;
  }
}

TEST(Outcome, LibraryErrorsAreBugsWithoutTheirStackTrace) {
  ::testing::internal::CaptureStderr();
  const auto mismatch = []() -> ExitCode {
    TORCH_CHECK(false, "sizes do not match");
    return ExitCode::kDone;
  };
  EXPECT_EQ(exit_status_of(mismatch), 70);
  const auto said = ::testing::internal::GetCapturedStderr();
  EXPECT_THAT(said, HasSubstr("this is a bug in sqpsych: sizes do not match"));
  EXPECT_THAT(said, Not(HasSubstr("frame #")));
}

TEST(Outcome, TooLittleMemoryIsNoBug) {
  ::testing::internal::CaptureStderr();
  const auto allocate = []() -> ExitCode {
    TORCH_CHECK(false,
                "DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes.");
    return ExitCode::kDone;
  };
  EXPECT_EQ(exit_status_of(allocate), 1);
  EXPECT_THAT(::testing::internal::GetCapturedStderr(), HasSubstr("sqpsych: memory: "));
}

TEST(OutcomeDeathTest, AnExceptionThatLeavesAThreadIsABug) {
  EXPECT_EXIT(
      {
        install_terminate_handler();
        std::thread([] { throw std::runtime_error("lost in a thread"); }).join();
      },
      ::testing::ExitedWithCode(70), "this is a bug in sqpsych: lost in a thread");
}

}  // namespace
}  // namespace sqpsych
