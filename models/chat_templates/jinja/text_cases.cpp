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

/// A capital sigma that ends a word (Unicode 14, 3.13, Final_Sigma); `end` is the byte behind it.
bool is_final_sigma(char32_t code, bool follows_cased, std::string_view text, std::size_t end) {
  if (code != 0x3A3 || !follows_cased) return false;
  while (end < text.size()) {
    const char32_t next = next_code_point(text, end);
    if (!is_case_ignorable(next)) return !is_cased(next);
  }
  return true;
}

enum class Case { kLower, kUpper, kTitle, kSame };

/// Every code point in the case that `choose(code)` names.
template <class Choose>
Text recased(const Text& text, Choose choose) {
  std::size_t end = 0;
  bool follows_cased = false;
  return rewritten(text, [&](char32_t code, std::string& output) {
    next_code_point(text.bytes, end);
    const Case wanted = choose(code);
    if (wanted == Case::kUpper)
      append_upper(output, code);
    else if (wanted == Case::kTitle)
      append_title(output, code);
    else if (wanted == Case::kSame)
      append_utf8(output, code);
    else if (is_final_sigma(code, follows_cased, text.bytes, end))
      append_utf8(output, 0x3C2);
    else
      append_lower(output, code);
    if (!is_case_ignorable(code)) follows_cased = is_cased(code);
  });
}

}  // namespace

Text uppered(const Text& text) {
  return recased(text, [](char32_t) { return Case::kUpper; });
}

Text lowered(const Text& text) {
  return recased(text, [](char32_t) { return Case::kLower; });
}

Text case_folded(const Text& text) {
  return rewritten(text, [](char32_t code, std::string& output) { append_folded(output, code); });
}

Text capitalized(const Text& text) {
  return recased(text, [is_first = true](char32_t) mutable {
    return std::exchange(is_first, false) ? Case::kTitle : Case::kLower;
  });
}

Text titled(const Text& text) {
  return recased(text, [is_inside = false](char32_t code) mutable {
    return std::exchange(is_inside, is_cased(code)) ? Case::kLower : Case::kTitle;
  });
}

Text case_swapped(const Text& text) {
  return recased(text, [](char32_t code) {
    if (is_upper(code)) return Case::kLower;
    return is_lower(code) ? Case::kUpper : Case::kSame;
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
bool is_digits(std::string_view text) { return all_of(text, is_single_digit); }
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
