#pragma once

#include <string_view>

#include "models/chat_templates/jinja/text.h"

/// What Python's str methods of these names do.
namespace sqpsych::jinja {

Text uppered(const Text& text);
Text lowered(const Text& text);
Text case_folded(const Text& text);
Text capitalized(const Text& text);
Text titled(const Text& text);
Text case_swapped(const Text& text);

bool is_alphanumeric(std::string_view text);
bool is_alphabetic(std::string_view text);
bool is_ascii(std::string_view text);
bool is_decimal(std::string_view text);
bool is_digits(std::string_view text);
bool is_numeric(std::string_view text);
bool is_white(std::string_view text);
bool is_lower_case(std::string_view text);
bool is_upper_case(std::string_view text);
bool is_title_case(std::string_view text);

}  // namespace sqpsych::jinja
