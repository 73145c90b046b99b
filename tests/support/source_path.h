#pragma once

#include <filesystem>
#include <string>

namespace sqpsych::testing {

/// Path below the root of this repository.
std::filesystem::path source_path(const std::string& relative);

}  // namespace sqpsych::testing
