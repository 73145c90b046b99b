#include <algorithm>

#include "core/error.h"
#include "core/json.h"
#include "core/log.h"
#include "core/text.h"
#include "models/tokenizers/pipeline/json_members.h"
#include "models/tokenizers/pipeline/model_json.h"
#include "models/tokenizers/pipeline/pipeline_tokenizer.h"
#include "models/tokenizers/pipeline/post_processor.h"
#include "models/tokenizers/pipeline/special_tokens.h"
#include "models/tokenizers/pipeline/split_patterns.h"

namespace sqpsych::tokenizers {
namespace {

std::vector<AddedToken> read_added_tokens(const Json& file, TokenTable& table,
                                          const std::string& where) {
  std::vector<AddedToken> read;
  static const Json none = Json::array();
  const bool has_list = !value_or_null(file, "added_tokens").is_null();
  const Json& list = has_list ? need_list(file, "added_tokens", where) : none;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const Json& id = value_or_null(list[i], "id");
    const std::string place = format("{}: added_tokens[{}]", where, i);
    if (!id.is_number_integer())
      throw FormatError(format("{}: id: found {}, expected a whole number.", place, id.dump()));
    const auto number = id.get<std::int64_t>();
    read.push_back(added_token_from_json(list[i], static_cast<TokenId>(number), place));
    table.add(read.back().content, number);
  }
  std::vector<AddedToken> added;
  merge_added_tokens(read, added);
  return added;
}

/// The small files may declare more tokens, and other flags for known ones: theirs count, as in
/// transformers.
void take_declared_tokens(const SpecialTokenSettings& settings, TokenTable& table,
                          std::vector<AddedToken>& added) {
  for (std::size_t i = 0; i < settings.added.size(); ++i) {
    AddedToken token = settings.added[i];
    const auto known = std::find_if(added.begin(), added.end(), [&](const AddedToken& other) {
      return other.content == token.content;
    });
    if (known != added.end()) {
      token.id = known->id;
      if (i < settings.num_stated) *known = token;
      continue;
    }
    if (const auto id = table.find(token.content)) token.id = *id;
    table.add(token.content, token.id);
    added.push_back(token);
  }
}

/// What a tokenizer.json asks for that is left to others: cutting and padding of rows.
void report_ignored(const Json& file, const std::string& where) {
  for (const char* key : {"truncation", "padding"})
    if (!value_or_null(file, key).is_null())
      log_warning(
          format("{}: {}: found {}; it is ignored: the length of rows is set where they are made.",
                 where, key, value_or_null(file, key).dump()));
}

/// Names what the split leaves, for a message of one line.
std::string split_trouble(const StepSummary& steps, bool ignore_merges) {
  for (const bool other : {true, false})
    if (other != ignore_merges && find_split_by_patterns(steps.split_patterns, other))
      return format("ignore_merges {} with the split '{}'", ignore_merges,
                    find_split_by_patterns(steps.split_patterns, other)->name);
  return format("a split pattern that is none of {}", quoted_list(split_names()));
}

GgufForm byte_level_form(const StepSummary& steps, bool ignore_merges) {
  GgufForm form;
  form.model = "gpt2";
  const auto* split = find_split_by_patterns(steps.split_patterns, ignore_merges);
  if (!split)
    form.why_none = split_trouble(steps, ignore_merges);
  else if (steps.byte_level_prefix_space)
    form.why_none = "ByteLevel with add_prefix_space";
  else
    form.pre = split->gguf_pres.front();
  return form;
}

/// Compares the steps with the two kinds of vocabulary that GGUF files know.
GgufForm gguf_form(const StepSummary& steps, const ModelFile& model) {
  GgufForm form;
  if (!model.foreign().empty())
    form.why_none = model.foreign();
  else if (!steps.foreign.empty())
    form.why_none = steps.foreign;
  else if (steps.byte_level)
    form = byte_level_form(steps, model.ignore_merges());
  else if (steps.replaces_space && steps.names.size() <= 3 && steps.split_patterns.empty())
    form.model = "llama";
  else
    form.why_none = format("normalizer and pre_tokenizer [{}]", join(steps.names, ", "));
  form.add_space_prefix = steps.prepends_space_mark;
  if (!form.why_none.empty()) form.model.clear();
  return form;
}

}  // namespace

std::unique_ptr<Tokenizer> load_tokenizer_json(const std::filesystem::path& folder) {
  const std::string where = (folder / "tokenizer.json").string();
  const Json file = read_json(folder / "tokenizer.json");
  TokenTable table(where);
  const auto model = read_model(value_or_null(file, "model"), table, where);
  report_ignored(file, where);

  PipelineParts parts;
  parts.where = where;
  parts.added = read_added_tokens(file, table, where);
  StepSummary steps;
  parts.normalizers = normalizers_from_json(value_or_null(file, "normalizer"), where, steps);
  parts.pre_tokenizers =
      pre_tokenizers_from_json(value_or_null(file, "pre_tokenizer"), where, steps);
  parts.decoders = decoders_from_json(value_or_null(file, "decoder"), where);
  parts.gguf = gguf_form(steps, *model);
  const bool takes_bytes = steps.ends_in_byte_letters && model->can_take_bytes();
  if (takes_bytes) parts.pre_tokenizers.pop_back();
  parts.model = model->make(takes_bytes);

  read_post_processor(value_or_null(file, "post_processor"), where, parts.special);
  SpecialTokenSettings settings = read_special_token_settings(folder);
  take_declared_tokens(settings, table, parts.added);
  // transformers 5 puts what the post-processor says around a text, whatever these say.
  settings.add_bos = settings.add_eos = std::nullopt;
  if (!settings.unknown && !model->unknown().empty()) settings.unknown = model->unknown();
  set_vocabulary(settings, table, model->byte_fallback(), parts);
  return make_pipeline_tokenizer(std::move(parts));
}

}  // namespace sqpsych::tokenizers
