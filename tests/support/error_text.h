#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "core/error.h"

namespace sqpsych::testing {

/// what() of the ErrorType that `call` throws; where it throws none, a failure of the test and "".
/// Other exceptions pass through.
template <class ErrorType = Error, class Call>
std::string error_text(Call&& call) {
  try {
    std::forward<Call>(call)();
  } catch (const ErrorType& error) {
    return error.what();
  }
  ADD_FAILURE() << "nothing was refused";
  return "";
}

}  // namespace sqpsych::testing
