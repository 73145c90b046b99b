#pragma once

#include <string>

/// Classes and cases of code points as Python's str methods see them.
namespace sqpsych::jinja {

bool is_space(char32_t code);
bool is_letter(char32_t code);
bool is_digit(char32_t code);   ///< decimal digits of any script
bool is_number(char32_t code);  ///< any number character
/// Decimal digits and what else stands for one digit, such as superscripts.
bool is_single_digit(char32_t code);
bool is_lower(char32_t code);
bool is_upper(char32_t code);
bool is_title(char32_t code);
bool is_cased(char32_t code);
/// What stands inside words without a case of its own: marks, apostrophes (Unicode 14,
/// Case_Ignorable).
bool is_case_ignorable(char32_t code);
/// What Python's repr shows as it is.
bool is_printable(char32_t code);

void append_upper(std::string& text, char32_t code);
void append_title(std::string& text, char32_t code);
void append_lower(std::string& text, char32_t code);
void append_folded(std::string& text, char32_t code);

}  // namespace sqpsych::jinja
