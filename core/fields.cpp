#include "core/fields.h"

#include <algorithm>

#include "core/json_lines.h"

namespace sqpsych {
namespace fields_detail {

void check_rule(double value, const Rule& rule, const Place& place) {
  if (rule.minimum && value < *rule.minimum)
    place.wrong(format("{}", value), rule.maximum ? format("{} to {}", *rule.minimum, *rule.maximum)
                                                  : format("at least {}", *rule.minimum));
  else if (rule.maximum && value > *rule.maximum)
    place.wrong(format("{}", value), rule.minimum ? format("{} to {}", *rule.minimum, *rule.maximum)
                                                  : format("at most {}", *rule.maximum));
}

void check_rule(const std::string& value, const Rule& rule, const Place& place) {
  if (rule.accepts && !rule.accepts(value)) return place.wrong("'" + value + "'", rule.expected);
  if (rule.choices.empty() ||
      std::find(rule.choices.begin(), rule.choices.end(), value) != rule.choices.end())
    return;
  place.wrong("'" + value + "'", "one of " + quoted_list(rule.choices));
}

std::string describe(const Json& value) {
  std::string text = value.dump(-1, ' ', false, Json::error_handler_t::replace);
  if (text.size() > 60) text = text.substr(0, 57) + "...";
  return text;
}

void Reader::report_unknown() const {
  for (const auto& [key, value] : object_.items()) {
    if (std::find(known_.begin(), known_.end(), key) != known_.end()) continue;
    const std::string nearest = nearest_name(key, known_);
    const std::string path = child(key.c_str());
    place_.problems->add(nearest.empty()
                             ? format("{}: unknown key. Known here: {}", path, quoted_list(known_))
                             : format("{}: unknown key. Did you mean '{}'?", path, nearest));
  }
}

}  // namespace fields_detail

void apply_set(Json& document, const std::string& assignment) {
  const auto equals = assignment.find('=');
  if (equals == std::string::npos || equals == 0)
    throw ConfigError(format("--set: found '{}', expected a.b=value.", assignment));
  const std::string text = assignment.substr(equals + 1);
  Json value = Json::parse(text, nullptr, false);
  if (value.is_discarded()) value = text;
  Json* place = &document;
  for (const auto& part : split(assignment.substr(0, equals), ".")) {
    if (part.empty())
      throw ConfigError(format("--set: found '{}', expected a.b=value.", assignment));
    const bool is_index = part.find_first_not_of("0123456789") == std::string::npos;
    if (place->is_array() && is_index) {
      const std::size_t index = part.size() < 10 ? std::stoul(part) : place->size();
      if (index >= place->size())
        throw ConfigError(format("--set: '{}': found index {}, expected below {}.", assignment,
                                 part, place->size()));
      place = &(*place)[index];
      continue;
    }
    if (place->is_null()) *place = Json::object();
    if (!place->is_object())
      throw ConfigError(
          format("--set: '{}': '{}' stands below a value that has no keys.", assignment, part));
    place = &(*place)[part];
  }
  *place = std::move(value);
}

Json load_config_document(const std::filesystem::path& file, const std::vector<std::string>& sets) {
  Json document = Json::object();
  if (!file.empty()) {
    if (!std::filesystem::exists(file))
      throw ConfigError(format("--config: '{}': no such file.", file.string()));
    if (!std::filesystem::is_regular_file(file))
      throw ConfigError(format("--config: '{}': found no regular file, expected one with settings.",
                               file.string()));
    try {
      document = read_json(file);
    } catch (const FormatError& error) {
      throw ConfigError(error.what());
    }
  }
  for (const auto& assignment : sets) apply_set(document, assignment);
  return document;
}

}  // namespace sqpsych
