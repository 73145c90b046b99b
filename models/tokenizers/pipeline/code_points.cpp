#include "models/tokenizers/pipeline/code_points.h"

#include <utf8proc.h>

#include <array>
#include <vector>

namespace sqpsych::tokenizers {
namespace {

constexpr char32_t kEnd = 0x110000;

struct Range {
  char32_t first;
  char32_t last;
  std::uint8_t group;
};

/// Unicode's White_Space.
constexpr Range kSpaces[] = {{0x09, 0x0D, kSpace},     {0x20, 0x20, kSpace},
                             {0x85, 0x85, kSpace},     {0xA0, 0xA0, kSpace},
                             {0x1680, 0x1680, kSpace}, {0x2000, 0x200A, kSpace},
                             {0x2028, 0x2029, kSpace}, {0x202F, 0x202F, kSpace},
                             {0x205F, 0x205F, kSpace}, {0x3000, 0x3000, kSpace}};

/// What Unicode 15.1 and 16.0 assigned; utf8proc 2.8 knows 15.0.
constexpr Range kNewer[] = {{0x897, 0x897, kMark},
                            {0x1B4E, 0x1B4F, kPunctuation},
                            {0x1B7F, 0x1B7F, kPunctuation},
                            {0x1C89, 0x1C89, kUpper},
                            {0x1C8A, 0x1C8A, kLower},
                            {0x2427, 0x2429, kSymbol},
                            {0x2FFC, 0x2FFF, kSymbol},
                            {0x31E4, 0x31E5, kSymbol},
                            {0x31EF, 0x31EF, kSymbol},
                            {0xA7CB, 0xA7CC, kUpper},
                            {0xA7CD, 0xA7CD, kLower},
                            {0xA7DA, 0xA7DA, kUpper},
                            {0xA7DB, 0xA7DB, kLower},
                            {0xA7DC, 0xA7DC, kUpper},
                            {0x105C0, 0x105F3, kCaseless},
                            {0x10D40, 0x10D49, kNumber},
                            {0x10D4A, 0x10D4F, kCaseless},
                            {0x10D50, 0x10D65, kUpper},
                            {0x10D69, 0x10D6D, kMark},
                            {0x10D6E, 0x10D6E, kPunctuation},
                            {0x10D6F, 0x10D6F, kCaseless},
                            {0x10D70, 0x10D85, kLower},
                            {0x10D8E, 0x10D8F, kSymbol},
                            {0x10EC2, 0x10EC4, kCaseless},
                            {0x10EFC, 0x10EFC, kMark},
                            {0x11380, 0x11389, kCaseless},
                            {0x1138B, 0x1138B, kCaseless},
                            {0x1138E, 0x1138E, kCaseless},
                            {0x11390, 0x113B5, kCaseless},
                            {0x113B7, 0x113B7, kCaseless},
                            {0x113B8, 0x113C0, kMark},
                            {0x113C2, 0x113C2, kMark},
                            {0x113C5, 0x113C5, kMark},
                            {0x113C7, 0x113CA, kMark},
                            {0x113CC, 0x113D0, kMark},
                            {0x113D1, 0x113D1, kCaseless},
                            {0x113D2, 0x113D2, kMark},
                            {0x113D3, 0x113D3, kCaseless},
                            {0x113D4, 0x113D5, kPunctuation},
                            {0x113D7, 0x113D8, kPunctuation},
                            {0x113E1, 0x113E2, kMark},
                            {0x116D0, 0x116E3, kNumber},
                            {0x11BC0, 0x11BE0, kCaseless},
                            {0x11BE1, 0x11BE1, kPunctuation},
                            {0x11BF0, 0x11BF9, kNumber},
                            {0x11F5A, 0x11F5A, kMark},
                            {0x13460, 0x143FA, kCaseless},
                            {0x16100, 0x1611D, kCaseless},
                            {0x1611E, 0x1612F, kMark},
                            {0x16130, 0x16139, kNumber},
                            {0x16D40, 0x16D6C, kCaseless},
                            {0x16D6D, 0x16D6F, kPunctuation},
                            {0x16D70, 0x16D79, kNumber},
                            {0x18CFF, 0x18CFF, kCaseless},
                            {0x1CC00, 0x1CCEF, kSymbol},
                            {0x1CCF0, 0x1CCF9, kNumber},
                            {0x1CD00, 0x1CEB3, kSymbol},
                            {0x1E5D0, 0x1E5ED, kCaseless},
                            {0x1E5EE, 0x1E5EF, kMark},
                            {0x1E5F0, 0x1E5F0, kCaseless},
                            {0x1E5F1, 0x1E5FA, kNumber},
                            {0x1E5FF, 0x1E5FF, kPunctuation},
                            {0x1F8B2, 0x1F8BB, kSymbol},
                            {0x1F8C0, 0x1F8C1, kSymbol},
                            {0x1FA89, 0x1FA89, kSymbol},
                            {0x1FA8F, 0x1FA8F, kSymbol},
                            {0x1FABE, 0x1FABE, kSymbol},
                            {0x1FAC6, 0x1FAC6, kSymbol},
                            {0x1FADC, 0x1FADC, kSymbol},
                            {0x1FADF, 0x1FADF, kSymbol},
                            {0x1FAE9, 0x1FAE9, kSymbol},
                            {0x1FBCB, 0x1FBEF, kSymbol},
                            {0x2EBF0, 0x2EE5D, kCaseless}};

std::uint8_t group_of(utf8proc_category_t category) {
  if (category >= UTF8PROC_CATEGORY_MN && category <= UTF8PROC_CATEGORY_ME) return kMark;
  if (category >= UTF8PROC_CATEGORY_ND && category <= UTF8PROC_CATEGORY_NO) return kNumber;
  if (category >= UTF8PROC_CATEGORY_PC && category <= UTF8PROC_CATEGORY_PO) return kPunctuation;
  if (category >= UTF8PROC_CATEGORY_SM && category <= UTF8PROC_CATEGORY_SO) return kSymbol;
  switch (category) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LT:
      return kUpper;
    case UTF8PROC_CATEGORY_LL:
      return kLower;
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
      return kCaseless;
    default:
      return 0;
  }
}

std::vector<std::uint8_t> make_classes() {
  std::vector<std::uint8_t> classes(kEnd, 0);
  for (char32_t code = 0; code < kEnd; ++code)
    classes[code] = group_of(utf8proc_category(static_cast<utf8proc_int32_t>(code)));
  const auto set = [&](const Range& range) {
    for (char32_t code = range.first; code <= range.last; ++code) classes[code] = range.group;
  };
  for (const Range& range : kNewer) set(range);
  for (const Range& range : kSpaces) set(range);
  return classes;
}

bool in_range(char32_t code, char32_t first, char32_t last) {
  return code >= first && code <= last;
}

}  // namespace

const std::uint8_t* code_classes() {
  static const std::vector<std::uint8_t> classes = make_classes();
  return classes.data();
}

bool is_word(char32_t code) {
  if (is_class(code, kLetter | kMark)) return true;
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(code))) {
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_PC:
      return true;
    default:
      break;
  }
  const bool letter_in_sign = in_range(code, 0x24B6, 0x24E9) || in_range(code, 0x1F130, 0x1F149) ||
                              in_range(code, 0x1F150, 0x1F169) || in_range(code, 0x1F170, 0x1F189);
  const bool new_digit =
      is_class(code, kNumber) &&
      utf8proc_category(static_cast<utf8proc_int32_t>(code)) == UTF8PROC_CATEGORY_CN;
  return letter_in_sign || new_digit || code == 0x200C || code == 0x200D;
}

}  // namespace sqpsych::tokenizers
