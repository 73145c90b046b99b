#include "models/chat_templates/jinja/string_literal.h"

#include <charconv>

#include "core/text.h"

namespace sqpsych::jinja {
namespace {

constexpr std::string_view kLetters = "abfnrtv\\'\"";
constexpr std::string_view kMeanings = "\a\b\f\n\r\t\v\\'\"";

/// The code point of `digits` digits from `position` on, which moves behind them; none when cut
/// short.
bool read_code(std::string_view literal, std::size_t digits, std::size_t& position,
               char32_t& code) {
  std::uint32_t number = 0;
  if (literal.size() - position < digits) return false;
  const char* begin = literal.data() + position;
  const auto parsed = std::from_chars(begin, begin + digits, number, 16);
  if (parsed.ec != std::errc() || parsed.ptr != begin + digits) return false;
  position += digits;
  code = number;
  return true;
}

char32_t read_octal(std::string_view literal, std::size_t& position) {
  char32_t code = 0;
  for (int i = 0; i < 3 && position < literal.size(); ++i, ++position) {
    if (literal[position] < '0' || literal[position] > '7') break;
    code = code * 8 + static_cast<char32_t>(literal[position] - '0');
  }
  return code;
}

}  // namespace

std::string unescaped(std::string_view literal, std::string& problem) {
  std::string text;
  for (std::size_t i = 0; i < literal.size();) {
    if (literal[i] != '\\' || i + 1 == literal.size()) {
      text += literal[i++];
      continue;
    }
    const char letter = literal[i + 1];
    i += 2;
    char32_t code = 0;
    if (const auto known = kLetters.find(letter); known != std::string_view::npos) {
      text += kMeanings[known];
    } else if (letter == '\n') {
      continue;
    } else if (letter >= '0' && letter <= '7') {
      append_utf8(text, read_octal(literal, --i));
    } else if (letter == 'x' || letter == 'u' || letter == 'U') {
      if (!read_code(literal, letter == 'x' ? 2 : letter == 'u' ? 4 : 8, i, code)) {
        problem =
            format("found an escape \\{} with too few digits, expected hexadecimal digits", letter);
        return text;
      }
      if (code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) {
        problem =
            format("found an escape \\{} that is no character, expected one of Unicode", letter);
        return text;
      }
      append_utf8(text, code);
    } else if (letter == 'N') {
      problem = "found an escape \\N with a character's name, expected \\u with its number";
      return text;
    } else {
      text += '\\';
      text += letter;
    }
  }
  return text;
}

}  // namespace sqpsych::jinja
