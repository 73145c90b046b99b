#pragma once

#include <string>

#include "models/chat_templates/jinja/run.h"

namespace sqpsych::jinja {

/// Python's str(): texts as they are, None, True, 1.0, [1, 'a'], {'k': 'v'}; undefined is empty.
Value to_text(Run& run, const Value& value);
/// Python's repr(): texts in quotes.
Value to_repr(Run& run, const Value& value);

/// Python's repr(float), the shortest text that reads back as the same number.
std::string float_text(double number);

struct JsonStyle {
  bool ensure_ascii = false;
  bool sort_keys = false;
  bool is_indented = false;
  std::string indent;
  std::string item_separator = ", ";
  std::string key_separator = ": ";
};
/// Python's json.dumps.
Value to_json(Run& run, const Value& value, const JsonStyle& style);

}  // namespace sqpsych::jinja
