#include "models/chat_templates/jinja/text_cases.h"

#include <algorithm>

#include "models/chat_templates/jinja/characters.h"

namespace sqpsych::jinja {
namespace {

bool all_of(std::string_view text, bool (*test)(char32_t)) {
  for (std::size_t position = 0; position < text.size();)
    if (!test(next_code_point(text, position))) return false;
  return !text.empty();
}

/// Some letter has the case, and none the other.
bool has_case(std::string_view text, bool (*wanted)(char32_t), bool (*other)(char32_t)) {
  bool found = false;
  for (std::size_t position = 0; position < text.size();) {
    const char32_t code = next_code_point(text, position);
    if (other(code)) return false;
    found |= wanted(code);
  }
  return found;
}

}  // namespace

Text uppered(const Text& text) {
  return rewritten(text, [](char32_t code, std::string& output) { append_upper(output, code); });
}

Text lowered(const Text& text) {
  return rewritten(text, [](char32_t code, std::string& output) { append_lower(output, code); });
}

Text capitalized(const Text& text) {
  return rewritten(text, [is_first = true](char32_t code, std::string& output) mutable {
    std::exchange(is_first, false) ? append_title(output, code) : append_lower(output, code);
  });
}

Text titled(const Text& text) {
  return rewritten(text, [is_inside = false](char32_t code, std::string& output) mutable {
    std::exchange(is_inside, is_cased(code)) ? append_lower(output, code)
                                             : append_title(output, code);
  });
}

Text case_swapped(const Text& text) {
  return rewritten(text, [](char32_t code, std::string& output) {
    is_upper(code)   ? append_lower(output, code)
    : is_lower(code) ? append_upper(output, code)
                     : append_utf8(output, code);
  });
}

bool is_alphanumeric(std::string_view text) {
  return all_of(text, [](char32_t code) { return is_letter(code) || is_number(code); });
}
bool is_alphabetic(std::string_view text) { return all_of(text, is_letter); }
bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}
bool is_decimal(std::string_view text) { return all_of(text, is_digit); }
bool is_numeric(std::string_view text) { return all_of(text, is_number); }
bool is_white(std::string_view text) { return all_of(text, is_space); }
bool is_lower_case(std::string_view text) {
  return has_case(text, is_lower, [](char32_t code) { return is_upper(code) || is_title(code); });
}
bool is_upper_case(std::string_view text) {
  return has_case(text, is_upper, [](char32_t code) { return is_lower(code) || is_title(code); });
}

bool is_title_case(std::string_view text) {
  bool found = false;
  bool is_inside = false;
  for (std::size_t position = 0; position < text.size();) {
    const char32_t code = next_code_point(text, position);
    const bool is_capital = is_upper(code) || is_title(code);
    if (is_inside ? is_capital : is_lower(code)) return false;
    is_inside = is_cased(code);
    found |= is_inside;
  }
  return found;
}

}  // namespace sqpsych::jinja
