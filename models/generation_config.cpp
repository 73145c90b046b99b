#include "models/generation_config.h"

#include <algorithm>

#include "core/error.h"
#include "core/text.h"

namespace sqpsych {
namespace {

constexpr const char* kEnds = "eos_token_id";

Json value_of(const Json& object, const char* key) {
  return object.is_object() ? object.value(key, Json()) : Json();
}

}  // namespace

Json with_end_token(const Json& generation_config, const Json& config, TokenId end) {
  Json ends = value_of(generation_config, kEnds);
  if (ends.is_null()) ends = value_of(config, kEnds);
  if (ends.is_null()) ends = Json::array();
  if (!ends.is_array()) ends = Json::array({ends});
  if (std::find(ends.begin(), ends.end(), Json(end)) != ends.end()) return generation_config;
  ends.push_back(end);
  Json changed = generation_config;
  if (!changed.is_object()) {
    changed = Json::object();
    for (const char* key : {"bos_token_id", "pad_token_id"})
      if (const Json id = value_of(config, key); !id.is_null()) changed[key] = id;
  }
  changed[kEnds] = ends.size() == 1 ? ends[0] : ends;
  return changed;
}

std::vector<TokenId> end_token_ids(const Json& config, std::int64_t rows,
                                   const std::string& where) {
  const Json value = value_of(config, kEnds);
  std::vector<TokenId> ids;
  for (const auto& id : value.is_array() ? value : Json::array({value})) {
    if (id.is_null()) continue;
    if (!id.is_number_integer() || id.get<std::int64_t>() >= rows)
      throw FormatError(
          format("{}: {}: found {}, expected ids below {}.", where, kEnds, id.dump(), rows));
    if (id.get<std::int64_t>() >= 0) ids.push_back(static_cast<TokenId>(id.get<std::int64_t>()));
  }
  return ids;
}

}  // namespace sqpsych
