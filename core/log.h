#pragma once

#include <string>

namespace sqpsych {

/// All three write one line to stderr; results alone go to stdout. Never log profile content.
void log_info(const std::string& message);
void log_warning(const std::string& message);
/// Warns the first time only, by text.
void warn_once(const std::string& message);

}  // namespace sqpsych
