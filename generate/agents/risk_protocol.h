#pragma once

#include <filesystem>
#include <string>

namespace sqpsych {

/// What agents do about a positive risk item: one file per language (configs/crisis) with the
/// sections `[[instructions]]` and `[[resources]]`.
struct RiskProtocol {
  std::string instructions;
  std::string resources;  ///< where help can be reached, one line that can be said as it is
  std::string source;     ///< the file as it is
  /// Both, for prompts.
  std::string text() const { return instructions + "\n" + resources; }
};

/// FormatError when a section is missing or unknown.
RiskProtocol read_risk_protocol(const std::filesystem::path& path);

}  // namespace sqpsych
