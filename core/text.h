#pragma once

#include <fmt/base.h>

#include <string>
#include <string_view>
#include <vector>

namespace sqpsych {

/// Text from a pattern, checked at compile time. The work is done in one place, text.cpp: fmt's
/// whole header would cost every source file seconds to compile.
std::string formatted(fmt::string_view pattern, fmt::format_args arguments);
template <class... T>
std::string format(fmt::format_string<T...> pattern, T&&... arguments) {
  return formatted(pattern, fmt::make_format_args(arguments...));
}

/// `'a', 'b', 'c'` in the given order: for messages that list known names.
std::string quoted_list(const std::vector<std::string>& names);

/// The known name nearest to `name` by edit distance, or empty when none is near.
std::string nearest_name(std::string_view name, const std::vector<std::string>& known);

/// True when `bytes` is well-formed UTF-8 (no overlong forms, surrogates or values past U+10FFFF).
bool is_valid_utf8(std::string_view bytes);

/// Byte offset of the first ill-formed UTF-8 sequence, or npos.
std::size_t find_invalid_utf8(std::string_view bytes);

/// Length in bytes of the UTF-8 sequence that starts with `lead` (1 for a stray byte).
std::size_t utf8_length(unsigned char lead);

/// Code point at `position`; `position` moves behind it. Input must be valid UTF-8.
char32_t next_code_point(std::string_view text, std::size_t& position);

void append_utf8(std::string& text, char32_t code_point);

std::string_view trim(std::string_view text);
std::vector<std::string> split(std::string_view text, std::string_view separator);
std::string join(const std::vector<std::string>& parts, std::string_view separator);
/// `2, 3, 4`: a shape, for messages.
template <class Range>
std::string number_list(const Range& numbers) {
  std::vector<std::string> parts;
  for (const auto number : numbers) parts.push_back(std::to_string(number));
  return join(parts, ", ");
}
std::string replace_all(std::string text, std::string_view from, std::string_view to);
std::string to_lower_ascii(std::string_view text);

/// `1,234,567`
std::string with_thousands(std::int64_t number);
/// `1.5 GiB`, `12.0 MiB`, `900 B`
std::string bytes_text(std::uint64_t bytes);
/// `2 h 03 min`, `4 min 05 s`, `12 s`
std::string duration_text(double seconds);

/// Escapes `&<>"'` for text and attribute values of HTML.
std::string html_escape(std::string_view text);

}  // namespace sqpsych
