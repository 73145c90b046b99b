#pragma once

#include <string>
#include <string_view>

namespace sqpsych::jinja {

/// The value of a string literal without its quotes: Python's escapes. `problem` is set when an
/// escape is cut short, names a character, or is no character of its own (a surrogate).
std::string unescaped(std::string_view literal, std::string& problem);

}  // namespace sqpsych::jinja
