#pragma once

#include <optional>
#include <string_view>

#include "models/chat_templates/jinja/run.h"

/// Python's operators on template values.
namespace sqpsych::jinja {

/// symbol: + - * / // % **
Value arithmetic(Run& run, std::string_view symbol, const Value& left, const Value& right);
Value negative(Run& run, const Value& value);

/// Counts the work, then Python's ==.
bool equal(Run& run, const Value& left, const Value& right);
/// Python's <; an error for values that have no order.
bool less(Run& run, const Value& left, const Value& right);
/// symbol: == != < <= > >= in, not in
bool compare(Run& run, std::string_view symbol, const Value& left, const Value& right);
/// left in right
bool contains(Run& run, const Value& right, const Value& left);

struct SliceBounds {
  std::optional<std::int64_t> start, stop;
  std::int64_t step = 1;
};
/// value[start:stop:step]
Value sliced(Run& run, const Value& value, const SliceBounds& bounds);

/// The text or whole number; an error that names `what` and what was found otherwise.
const Text& need_text(Run& run, const Value& value, std::string_view what);
std::int64_t need_integer(Run& run, const Value& value, std::string_view what);

}  // namespace sqpsych::jinja
