#include "models/tokenizers/pipeline/json_members.h"

#include "core/error.h"
#include "core/text.h"

namespace sqpsych::tokenizers {

const Json& value_or_null(const Json& object, const char* key) {
  static const Json null;
  if (!object.is_object()) return null;
  const auto found = object.find(key);
  return found == object.end() ? null : *found;
}

std::string text_or(const Json& object, const char* key, const std::string& otherwise,
                    const std::string& where) {
  const Json& value = value_or_null(object, key);
  if (value.is_null()) return otherwise;
  if (!value.is_string())
    throw FormatError(format("{}: {}: found {}, expected a text.", where, key, value.type_name()));
  return value.get<std::string>();
}

bool flag_or(const Json& object, const char* key, bool otherwise, const std::string& where) {
  const Json& value = value_or_null(object, key);
  if (value.is_null()) return otherwise;
  if (!value.is_boolean())
    throw FormatError(
        format("{}: {}: found {}, expected true or false.", where, key, value.type_name()));
  return value.get<bool>();
}

std::int64_t count_or(const Json& object, const char* key, std::int64_t otherwise,
                      const std::string& where) {
  const Json& value = value_or_null(object, key);
  if (value.is_null()) return otherwise;
  if (!value.is_number_unsigned() || value.get<std::uint64_t>() > INT32_MAX)
    throw FormatError(
        format("{}: {}: found {}, expected a whole number.", where, key, value.dump()));
  return value.get<std::int64_t>();
}

const Json& need_list(const Json& object, const char* key, const std::string& where) {
  const Json& value = value_or_null(object, key);
  if (!value.is_array())
    throw FormatError(format("{}: {}: found {}, expected a list.", where, key, value.type_name()));
  return value;
}

}  // namespace sqpsych::tokenizers
