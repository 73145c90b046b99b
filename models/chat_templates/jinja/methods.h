#pragma once

#include <string_view>

#include "models/chat_templates/jinja/run.h"

namespace sqpsych::jinja {

using TextMethod = Value (*)(Run&, const Text& self, Arguments&);
/// A method of Python's str, or null.
TextMethod find_text_method(std::string_view name);

struct Replacement {
  const Text& from;
  const Text& to;
  std::size_t most;
};
/// Replaces after having counted the work.
Value replaced_within(Run& run, const Text& text, const Replacement& replacement);

}  // namespace sqpsych::jinja
