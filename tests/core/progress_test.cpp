#include "core/progress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

namespace sqpsych {
namespace {

using ::testing::internal::CaptureStderr;
using ::testing::internal::GetCapturedStderr;

TEST(Progress, SaysNothingOfWhatIsQuick) {
  CaptureStderr();
  {
    Progress progress("profiles", 3, "rows");
    progress.advance(3, "note");
  }
  EXPECT_EQ(GetCapturedStderr(), "");
}

TEST(Progress, TellsRateTimeLeftAndNote) {
  CaptureStderr();
  {
    Progress progress("train", 2000, "steps");
    std::this_thread::sleep_for(std::chrono::milliseconds(2050));
    progress.advance(1000, "loss 2.31, 8,200 tokens/s");
    progress.advance(500);
  }
  // The machine may be slow: the rate is at most what 2.05 seconds make of it.
  EXPECT_THAT(GetCapturedStderr(),
              ::testing::MatchesRegex("train 1,000/2,000 steps, [0-9.]+/s, [0-9]+ s left, loss "
                                      "2.31, 8,200 tokens/s\n"
                                      "train 1,500/2,000 steps, [0-9.]+/s, [0-9]+ s left\n"));
}

}  // namespace
}  // namespace sqpsych
