#include "data/sessions/record_fields.h"

#include <algorithm>
#include <utility>

namespace sqpsych {

std::string describe_json(const Json& value) {
  if (value.is_null()) return "null";
  if (value.is_boolean()) return value.get<bool>() ? "true" : "false";
  if (value.is_number()) return "the number " + value.dump();
  if (value.is_array()) return "a list";
  if (value.is_object()) return "an object";
  return "a text";
}

RecordFields::RecordFields(const Json& record, std::string where)
    : record_(record), where_(std::move(where)) {
  if (!record_.is_object())
    throw FormatError(format("{}: found {}, expected an object", where_, describe_json(record_)));
}

const Json* RecordFields::find(const char* key) {
  known_.push_back(key);
  auto found = record_.find(key);
  return found == record_.end() || found->is_null() ? nullptr : &*found;
}

void RecordFields::need_text(const char* key, std::string& value) {
  need(key, value);
  if (value.empty())
    throw FormatError(format("{}: {}: found an empty text, expected a text", where_, key));
}

void RecordFields::choose(const char* key, std::string& value,
                          const std::vector<std::string>& choices) {
  if (!read(key, value)) return;
  if (std::find(choices.begin(), choices.end(), value) == choices.end())
    throw FormatError(
        format("{}: {}: found '{}', expected one of {}", where_, key, value, quoted_list(choices)));
}

const Json& RecordFields::need_list(const char* key) {
  const Json* found = find(key);
  if (!found) missing(key);
  if (!found->is_array()) wrong(key, *found, "a list");
  return *found;
}

Json RecordFields::unknown() const {
  Json rest = Json::object();
  for (const auto& [key, value] : record_.items())
    if (std::find(known_.begin(), known_.end(), key) == known_.end()) rest[key] = value;
  return rest;
}

void RecordFields::missing(const char* key) const {
  throw FormatError(format("{}: {}: found nothing, expected this key", where_, key));
}

void RecordFields::wrong(const char* key, const Json& found, const char* expected) const {
  throw FormatError(
      format("{}: {}: found {}, expected {}", where_, key, describe_json(found), expected));
}

}  // namespace sqpsych
