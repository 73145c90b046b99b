#pragma once

#include "models/chat_templates/jinja/run.h"

namespace sqpsych::jinja {

/// Python's '...' % values.
Value percent_formatted(Run& run, const Text& pattern, const Value& values);
/// Python's '...'.format(...) with {}, {0} and {name}; formats behind a colon are refused.
Value brace_formatted(Run& run, const Text& pattern, const Arguments& arguments);

}  // namespace sqpsych::jinja
