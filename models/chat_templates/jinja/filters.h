#pragma once

#include <map>
#include <string_view>

#include "models/chat_templates/jinja/operators.h"
#include "models/chat_templates/jinja/printing.h"
#include "models/chat_templates/jinja/syntax.h"

/// Jinja's filters by what they work on; find_filter (syntax.h) looks through all tables.
namespace sqpsych::jinja {

using FilterTable = std::map<std::string_view, Operation>;
const FilterTable& text_filters();
const FilterTable& number_filters();
const FilterTable& sequence_filters();
const FilterTable& choice_filters();

/// The value that the filter or test is applied to.
inline const Value& subject(const Arguments& arguments) { return arguments.positional.front(); }
/// An argument behind the subject (index from 1), or a default.
inline Value argument_or(const Arguments& arguments, std::size_t index, std::string_view name,
                         Value otherwise) {
  const Value* value = arguments.find(index, name);
  return value ? *value : otherwise;
}
/// `a.b.0` looks up attribute b of attribute a, then item 0; numbers and None as they are.
Value looked_up(Run& run, const Value& value, const Value& path);
/// What sort, unique, min and max compare: texts in lower case unless told otherwise.
Value comparison_key(Run& run, const Value& value, bool is_case_sensitive);

}  // namespace sqpsych::jinja
