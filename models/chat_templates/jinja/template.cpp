#include "models/chat_templates/jinja/template.h"

namespace sqpsych::jinja {

Template::Template(std::string_view source, std::string name)
    : name_(std::move(name)), tree_(parse(source, name_)) {}

Text Template::render(const Variables& variables, std::time_t now, const Limits& limits) const {
  Run run(name_, limits, now);
  run.scope = std::make_shared<Scope>(nullptr);
  for (const auto& [name, value] : variables) run.scope->set(name, value);
  tree_.body.execute(run);
  return run.take_output();
}

Value value_of(const Json& json) {
  if (json.is_boolean()) return Value(json.get<bool>());
  if (json.is_number_unsigned() && json.get<std::uint64_t>() > INT64_MAX)
    return Value(json.get<double>());
  if (json.is_number_integer()) return Value(json.get<std::int64_t>());
  if (json.is_number()) return Value(json.get<double>());
  if (json.is_string()) return Value(Text(json.get_ref<const std::string&>()));
  if (json.is_array()) {
    std::vector<Value> items;
    for (const auto& item : json) items.push_back(value_of(item));
    return make_list(std::move(items));
  }
  if (json.is_object()) {
    std::vector<std::pair<Value, Value>> entries;
    for (const auto& [key, item] : json.items())
      entries.emplace_back(Value(std::string_view(key)), value_of(item));
    return make_dict(std::move(entries));
  }
  return Value(None{});
}

}  // namespace sqpsych::jinja
