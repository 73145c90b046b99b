#include "models/tokenizers/pipeline/post_processor.h"

#include "core/error.h"
#include "core/text.h"
#include "models/tokenizers/pipeline/json_members.h"

namespace sqpsych::tokenizers {
namespace {

TokenId id_from_json(const Json& json, const std::string& where) {
  if (!json.is_number_unsigned() || json.get<std::uint64_t>() > INT32_MAX)
    throw FormatError(format("{}: post_processor: found {}, expected an id.", where, json.dump()));
  return json.get<TokenId>();
}

/// Puts `before` and `after` around what stands there already.
void put_around(std::vector<TokenId> before, const std::vector<TokenId>& after, SpecialIds& ids) {
  before.insert(before.end(), ids.before.begin(), ids.before.end());
  ids.before = std::move(before);
  ids.after.insert(ids.after.end(), after.begin(), after.end());
}

/// TemplateProcessing: the ids before and after the place of the text.
void read_template(const Json& json, const std::string& where, SpecialIds& ids) {
  std::vector<TokenId> before;
  std::vector<TokenId> after;
  bool behind = false;
  for (const auto& step : value_or_null(json, "single")) {
    if (!value_or_null(step, "Sequence").is_null()) {
      behind = true;
      continue;
    }
    const std::string name = text_or(value_or_null(step, "SpecialToken"), "id", "", where);
    const Json& token = value_or_null(value_or_null(json, "special_tokens"), name.c_str());
    const Json& list = value_or_null(token, "ids");
    if (!list.is_array())
      throw FormatError(format("{}: post_processor: special token '{}' has no ids.", where, name));
    for (const auto& id : list) (behind ? after : before).push_back(id_from_json(id, where));
  }
  put_around(std::move(before), after, ids);
}

/// BertProcessing and RobertaProcessing: `cls` before, `sep` after, each as [text, id].
void read_pair(const Json& json, const std::string& where, SpecialIds& ids) {
  const auto id_of = [&](const char* key) {
    const Json& pair = value_or_null(json, key);
    if (!pair.is_array() || pair.size() != 2)
      throw FormatError(format("{}: post_processor: {}: found {}, expected [text, id].", where, key,
                               pair.dump()));
    return id_from_json(pair[1], where);
  };
  const TokenId before = id_of("cls");
  put_around({before}, {id_of("sep")}, ids);
}

}  // namespace

void read_post_processor(const Json& json, const std::string& where, SpecialIds& ids) {
  if (json.is_null()) return;
  const std::string type = text_or(json, "type", "", where);
  if (type == "ByteLevel") return;  // only trims offsets
  if (type == "TemplateProcessing") return read_template(json, where, ids);
  if (type == "BertProcessing" || type == "RobertaProcessing") return read_pair(json, where, ids);
  if (type != "Sequence")
    throw FormatError(
        format("{}: post_processor: found type '{}', expected one of Sequence, TemplateProcessing, "
               "ByteLevel, BertProcessing, RobertaProcessing. This tokenizer is not supported.",
               where, type));
  for (const auto& inner : need_list(json, "processors", where))
    read_post_processor(inner, where, ids);
}

}  // namespace sqpsych::tokenizers
