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

/// Special tokens, around the text where the part holds it.
struct Part {
  bool holds_text = false;
  std::vector<TokenId> before;
  std::vector<TokenId> after;
};
using Parts = std::vector<Part>;

std::vector<TokenId> ids_of_step(const Json& template_json, const Json& step,
                                 const std::string& where) {
  const std::string name = text_or(value_or_null(step, "SpecialToken"), "id", "", where);
  const Json& token = value_or_null(value_or_null(template_json, "special_tokens"), name.c_str());
  const Json& list = value_or_null(token, "ids");
  if (!list.is_array())
    throw FormatError(format("{}: post_processor: special token '{}' has no ids.", where, name));
  std::vector<TokenId> ids;
  for (const auto& id : list) ids.push_back(id_from_json(id, where));
  return ids;
}

/// TemplateProcessing. Behind another template its special tokens are a part of their own, and
/// tokenizers 0.23.3 takes the template for pairs.
void apply_template(const Json& json, const std::string& where, Parts& parts) {
  if (parts.size() > 2)
    throw FormatError(
        format("{}: post_processor: found a template behind one that makes {} parts, expected at "
               "most 2. tokenizers cannot compute it either.",
               where, parts.size()));
  Parts result;
  for (const auto& step : value_or_null(json, parts.size() == 1 ? "single" : "pair")) {
    const Json& sequence = value_or_null(step, "Sequence");
    if (sequence.is_null())
      result.push_back({false, ids_of_step(json, step, where), {}});
    else
      result.push_back(text_or(sequence, "id", "A", where) == "B" ? parts.back() : parts.front());
  }
  parts = std::move(result);
}

/// BertProcessing and RobertaProcessing: `cls` before, `sep` after, each as [text, id].
void apply_pair(const Json& json, const std::string& where, Parts& parts) {
  const auto id_of = [&](const char* key) {
    const Json& pair = value_or_null(json, key);
    if (!pair.is_array() || pair.size() != 2)
      throw FormatError(format("{}: post_processor: {}: found {}, expected [text, id].", where, key,
                               pair.dump()));
    return id_from_json(pair[1], where);
  };
  const TokenId first = id_of("cls");
  const TokenId last = id_of("sep");
  const bool is_roberta = text_or(json, "type", "", where) == "RobertaProcessing";
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i == 0 || is_roberta)
      parts[i].before.insert(parts[i].before.begin(), i == 0 ? first : last);
    parts[i].after.push_back(last);
  }
}

void apply(const Json& json, const std::string& where, Parts& parts) {
  const std::string type = text_or(json, "type", "", where);
  if (type == "ByteLevel") return;  // only trims offsets
  if (type == "TemplateProcessing") return apply_template(json, where, parts);
  if (type == "BertProcessing" || type == "RobertaProcessing")
    return apply_pair(json, where, parts);
  if (type != "Sequence")
    throw FormatError(
        format("{}: post_processor: found type '{}', expected one of Sequence, TemplateProcessing, "
               "ByteLevel, BertProcessing, RobertaProcessing. This tokenizer is not supported.",
               where, type));
  for (const auto& inner : need_list(json, "processors", where)) apply(inner, where, parts);
}

}  // namespace

void read_post_processor(const Json& json, const std::string& where, SpecialIds& ids) {
  if (json.is_null()) return;
  Parts parts = {{true, {}, {}}};
  apply(json, where, parts);
  std::int64_t texts = 0;
  for (const auto& part : parts) {
    auto& target = texts == 0 ? ids.before : ids.after;
    target.insert(target.end(), part.before.begin(), part.before.end());
    if (part.holds_text) ++texts;
    auto& behind = texts == 0 ? ids.before : ids.after;
    behind.insert(behind.end(), part.after.begin(), part.after.end());
  }
  if (texts != 1)
    throw FormatError(
        format("{}: post_processor: found the text {} times, expected once.", where, texts));
}

}  // namespace sqpsych::tokenizers
