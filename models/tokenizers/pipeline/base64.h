#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sqpsych::tokenizers {

/// The bytes of a text in the standard base64 alphabet with padding, or nothing when it is not one.
std::optional<std::string> bytes_of_base64(std::string_view text);

}  // namespace sqpsych::tokenizers
