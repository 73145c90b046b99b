#include "models/tokenizers/pipeline/large_json.h"

#include <unordered_set>
#include <vector>

#include "core/error.h"
#include "core/files.h"
#include "core/text.h"

namespace sqpsych::tokenizers {
namespace {

constexpr int kMaxDepth = 100;

class StrictKeys {
 public:
  explicit StrictKeys(const std::string& where) : where_(where) {}

  bool operator()(int depth, LargeJson::parse_event_t event, LargeJson& parsed) {
    using Event = LargeJson::parse_event_t;
    if (depth > kMaxDepth)
      throw FormatError(format("{}: found JSON nested deeper than {}.", where_, kMaxDepth));
    if (event == Event::object_start) keys_.emplace_back();
    if (event == Event::object_end) keys_.pop_back();
    if (event == Event::key && !keys_.back().insert(parsed.get<std::string>()).second)
      throw FormatError(format("{}: key '{}' appears twice in one object, expected once.", where_,
                               parsed.get<std::string>()));
    return true;
  }

 private:
  std::string where_;
  std::vector<std::unordered_set<std::string>> keys_;
};

}  // namespace

LargeJson read_large_json(const std::filesystem::path& path) {
  const MappedFile file(path);
  const std::string where = path.string();
  std::string_view text = file.text();
  const std::size_t invalid = find_invalid_utf8(text);
  if (invalid != std::string_view::npos)
    throw FormatError(format(
        "{}: found bytes that are not UTF-8 at offset {}, expected UTF-8 text.", where, invalid));
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  try {
    return LargeJson::parse(text.begin(), text.end(), StrictKeys(where), true, true);
  } catch (const LargeJson::exception& error) {
    std::string reason = error.what();
    const auto bracket = reason.find("] ");
    if (bracket != std::string::npos) reason = reason.substr(bracket + 2);
    throw FormatError(format("{}: not valid JSON: {}. Copy the file again.", where, reason));
  }
}

const LargeJson& value_or_null(const LargeJson& object, const char* key) {
  static const LargeJson null;
  if (!object.is_object()) return null;
  const auto found = object.find(key);
  return found == object.end() ? null : *found;
}

std::string text_or(const LargeJson& object, const char* key, const std::string& otherwise,
                    const std::string& where) {
  const LargeJson& value = value_or_null(object, key);
  if (value.is_null()) return otherwise;
  if (!value.is_string())
    throw FormatError(format("{}: {}: found {}, expected a text.", where, key, value.type_name()));
  return value.get<std::string>();
}

bool flag_or(const LargeJson& object, const char* key, bool otherwise, const std::string& where) {
  const LargeJson& value = value_or_null(object, key);
  if (value.is_null()) return otherwise;
  if (!value.is_boolean())
    throw FormatError(
        format("{}: {}: found {}, expected true or false.", where, key, value.type_name()));
  return value.get<bool>();
}

}  // namespace sqpsych::tokenizers
