#include "tests/support/shared_data.h"
#include "tests/support/source_path.h"

#include <cstdlib>

namespace sqpsych::testing {

std::filesystem::path shared_data(const std::string& relative) {
  const char* configured = std::getenv("SQPSYCH_SHARED");
  const std::filesystem::path root =
      configured ? std::filesystem::path(configured) : testing::source_path("..") / "shared";
  const auto path = (root / relative).lexically_normal();
  if (std::filesystem::exists(path)) return path;
  const char* ci = std::getenv("CI");
  if (ci && std::string(ci) == "true") ADD_FAILURE() << path << " is missing and CI=true";
  return {};
}

}  // namespace sqpsych::testing
