#pragma once

#include <ctime>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/json.h"
#include "models/chat_templates/jinja/syntax.h"

namespace sqpsych::jinja {

using Variables = std::vector<std::pair<std::string, Value>>;

/// A parsed template: Jinja as chat templates use it, with trim_blocks and lstrip_blocks on.
/// Immutable; may render in many threads at once.
class Template {
 public:
  /// TemplateError with line and column; `name` stands in front of every message.
  Template(std::string_view source, std::string name);

  /// The text with marks where parts of it came from texts that have a source, and marks of
  /// kGenerated around what `{% generation %}` blocks wrote. TemplateError with line and column,
  /// TemplateRefusal when the template calls raise_exception. `now` is what strftime_now shows.
  Text render(const Variables& variables, std::time_t now, const Limits& limits = {}) const;

  bool has_generation() const { return tree_.has_generation; }
  bool asks_for_time() const { return tree_.asks_for_time; }

 private:
  std::string name_;
  SyntaxTree tree_;
};

/// JSON as template values; numbers beyond 64 bits become floats.
Value value_of(const Json& json);

}  // namespace sqpsych::jinja
