#pragma once

#include <cstdint>

namespace sqpsych::tokenizers {

/// What split patterns and normalizers ask of a code point: groups of Unicode general categories.
/// kSpace is the property White_Space; a code point of no group has class 0.
enum CodeClass : std::uint8_t {
  kUpper = 1,     ///< Lu, Lt
  kLower = 2,     ///< Ll
  kCaseless = 4,  ///< Lm, Lo
  kMark = 8,      ///< M
  kNumber = 16,   ///< N
  kSpace = 32,
  kPunctuation = 64,  ///< P
  kSymbol = 128,      ///< S
  kLetter = kUpper | kLower | kCaseless
};

/// Classes by code point, 0x110000 entries (Unicode 16).
const std::uint8_t* code_classes();

inline bool is_class(char32_t code, unsigned classes) {
  return (code_classes()[code] & classes) != 0;
}

/// A byte of UTF-8 that no character begins with.
inline bool is_inside_character(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0) == 0x80;
}

/// What \w means in Unicode: alphabetic characters, marks, decimal digits, connectors, joiners.
bool is_word(char32_t code);

}  // namespace sqpsych::tokenizers
