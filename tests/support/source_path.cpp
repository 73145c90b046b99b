#include "tests/support/source_path.h"

namespace sqpsych::testing {

std::filesystem::path source_path(const std::string& relative) {
  return std::filesystem::path(SQPSYCH_SOURCE_DIR) / relative;
}

}  // namespace sqpsych::testing
