#pragma once

#include <set>
#include <string>

namespace sqpsych::testing {

/// The rules that verify_structure_test.cpp breaks.
std::set<std::string> rules_of_broken_structures();

}  // namespace sqpsych::testing
