#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

namespace sqpsych::testing {

/// Path below the folder of real inputs ($SQPSYCH_SHARED, else ../shared beside the source tree).
/// Empty when it is not there and CI is not set; with CI=true a missing file fails the test.
std::filesystem::path shared_data(const std::string& relative);

}  // namespace sqpsych::testing

/// Skips the test with a reason when real inputs are absent outside CI.
#define SQPSYCH_NEED_SHARED(variable, relative)                                     \
  const std::filesystem::path variable = ::sqpsych::testing::shared_data(relative); \
  if (variable.empty()) GTEST_SKIP() << "real input not here: " << (relative)
