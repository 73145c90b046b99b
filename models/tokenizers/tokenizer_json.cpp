#include <algorithm>

#include "core/error.h"
#include "core/text.h"
#include "models/tokenizers/pipeline/pipeline_tokenizer.h"
#include "models/tokenizers/pipeline/special_tokens.h"
#include "models/tokenizers/pipeline/split_regex.h"

namespace sqpsych::tokenizers {
namespace {

using Merges = std::vector<std::pair<std::string, std::string>>;

void read_vocabulary(const LargeJson& model, TokenTable& table, const std::string& where) {
  const LargeJson& vocabulary = value_or_null(model, "vocab");
  if (!vocabulary.is_object())
    throw FormatError(format("{}: model.vocab: found {}, expected an object of tokens and ids.",
                             where, vocabulary.type_name()));
  for (const auto& [token, id] : vocabulary.items()) {
    if (!id.is_number_integer())
      throw FormatError(format("{}: model.vocab: token '{}': found {}, expected an id.", where,
                               token, id.dump()));
    table.add(token, id.get<std::int64_t>());
  }
}

/// "left right", or ["left", "right"] when the parts may hold spaces.
Merges read_merges(const LargeJson& model, const std::string& where) {
  Merges merges;
  const LargeJson& list = value_or_null(model, "merges");
  if (!list.is_array())
    throw FormatError(
        format("{}: model.merges: found {}, expected a list.", where, list.type_name()));
  merges.reserve(list.size());
  for (std::size_t i = 0; i < list.size(); ++i) {
    const LargeJson& merge = list[i];
    if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string()) {
      merges.emplace_back(merge[0].get<std::string>(), merge[1].get<std::string>());
      continue;
    }
    const std::string text = merge.is_string() ? merge.get<std::string>() : "";
    const auto space = text.find(' ');
    if (space == std::string::npos || space == 0 ||
        text.find(' ', space + 1) != std::string::npos || space + 1 == text.size())
      throw FormatError(format("{}: model.merges[{}]: found {}, expected 'left right' or a pair.",
                               where, i, merge.dump()));
    merges.emplace_back(text.substr(0, space), text.substr(space + 1));
  }
  return merges;
}

MergeBpeOptions read_model_options(const LargeJson& model, const std::string& where) {
  for (const char* affix : {"continuing_subword_prefix", "end_of_word_suffix"})
    if (!text_or(model, affix, "", where).empty())
      throw FormatError(format("{}: model.{}: found '{}'. This tokenizer is not supported.", where,
                               affix, text_or(model, affix, "", where)));
  const LargeJson& dropout = value_or_null(model, "dropout");
  if (dropout.is_number() && dropout.get<double>() != 0)
    throw FormatError(format("{}: model.dropout: found {}, expected null: ids would be random.",
                             where, dropout.dump()));
  return {text_or(model, "unk_token", "", where), flag_or(model, "fuse_unk", false, where),
          flag_or(model, "byte_fallback", false, where),
          flag_or(model, "ignore_merges", false, where)};
}

std::vector<AddedToken> read_added_tokens(const LargeJson& file, TokenTable& table,
                                          const std::string& where) {
  std::vector<AddedToken> added;
  const LargeJson& list = value_or_null(file, "added_tokens");
  if (list.is_null()) return added;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const LargeJson& id = value_or_null(list[i], "id");
    const std::string place = format("{}: added_tokens[{}]", where, i);
    if (!id.is_number_integer())
      throw FormatError(format("{}: id: found {}, expected a whole number.", place, id.dump()));
    const auto token =
        added_token_from_json(list[i], static_cast<TokenId>(id.get<std::int64_t>()), place);
    table.add(token.content, id.get<std::int64_t>());
    merge_added_tokens({token}, added);
  }
  return added;
}

/// The ids of a TemplateProcessing for one text: before and after the place of the text.
void read_template(const LargeJson& json, const std::string& where, SpecialIds& ids) {
  bool behind = false;
  for (const auto& step : value_or_null(json, "single")) {
    if (!value_or_null(step, "Sequence").is_null()) {
      behind = true;
      continue;
    }
    const std::string name = text_or(value_or_null(step, "SpecialToken"), "id", "", where);
    const LargeJson& token = value_or_null(value_or_null(json, "special_tokens"), name.c_str());
    const LargeJson& list = value_or_null(token, "ids");
    if (!list.is_array())
      throw FormatError(format("{}: post_processor: special token '{}' has no ids.", where, name));
    for (const auto& id : list) {
      if (!id.is_number_unsigned() || id.get<std::uint64_t>() > INT32_MAX)
        throw FormatError(
            format("{}: post_processor: found {}, expected an id.", where, id.dump()));
      (behind ? ids.after : ids.before).push_back(id.get<TokenId>());
    }
  }
}

void read_post_processor(const LargeJson& json, const std::string& where, SpecialIds& ids) {
  if (json.is_null()) return;
  const std::string type = text_or(json, "type", "", where);
  if (type == "Sequence")
    for (const auto& inner : value_or_null(json, "processors"))
      read_post_processor(inner, where, ids);
  else if (type == "TemplateProcessing")
    read_template(json, where, ids);
  else if (type != "ByteLevel")  // that one only trims offsets
    throw FormatError(
        format("{}: post_processor: found type '{}', expected one of Sequence, TemplateProcessing, "
               "ByteLevel. "
               "This tokenizer is not supported.",
               where, type));
}

GgufForm byte_level_form(const StepSummary& steps, const MergeBpeOptions& options) {
  GgufForm form;
  form.model = "gpt2";
  const auto* split = find_split_by_pattern(steps.split_pattern);
  if (!split)
    form.why_none = format("a split pattern that is none of {}", quoted_list(split_names()));
  else if (steps.byte_level_prefix_space)
    form.why_none = "ByteLevel with add_prefix_space";
  else if (options.ignore_merges != split->ignore_merges)
    form.why_none =
        format("ignore_merges {} with the split '{}'", options.ignore_merges, split->name);
  else
    form.pre = split->gguf_pre;
  return form;
}

/// Compares the steps with the two kinds of vocabulary that GGUF files know.
GgufForm gguf_form(const StepSummary& steps, const MergeBpeOptions& options) {
  GgufForm form;
  if (!steps.foreign.empty())
    form.why_none = steps.foreign;
  else if (steps.byte_level)
    form = byte_level_form(steps, options);
  else if (steps.replaces_space && steps.names.size() <= 2 && steps.split_pattern.empty())
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
  const LargeJson file = read_large_json(folder / "tokenizer.json");
  const LargeJson& model = value_or_null(file, "model");
  const std::string type = text_or(model, "type", "BPE", where);
  if (type != "BPE" || !model.is_object())
    throw FormatError(
        format("{}: model.type: found '{}', expected BPE. This tokenizer is not supported.", where,
               model.is_object() ? type : model.type_name()));

  PipelineParts parts;
  parts.where = where;
  TokenTable model_table(where);
  read_vocabulary(model, model_table, where);
  const MergeBpeOptions options = read_model_options(model, where);
  parts.model = make_merge_bpe(std::make_shared<TokenIds>(*model_table.ids()),
                               read_merges(model, where), options, where);

  TokenTable& table = model_table;
  parts.added = read_added_tokens(file, table, where);
  StepSummary steps;
  parts.normalizers = normalizers_from_json(value_or_null(file, "normalizer"), where, steps);
  parts.pre_tokenizers =
      pre_tokenizers_from_json(value_or_null(file, "pre_tokenizer"), where, steps);
  parts.decoders = decoders_from_json(value_or_null(file, "decoder"), where);
  parts.gguf = gguf_form(steps, options);

  SpecialIds around;
  read_post_processor(value_or_null(file, "post_processor"), where, around);
  SpecialTokenSettings settings = read_special_token_settings(folder);
  if (!settings.unknown && !options.unk_token.empty()) settings.unknown = options.unk_token;
  parts.special = special_ids(settings, table, around.before, around.after);
  parts.tokens = table.by_id();
  parts.types = token_types(parts.tokens, parts.special, options.byte_fallback, parts.added);
  parts.ids = table.ids();
  return make_pipeline_tokenizer(std::move(parts));
}

}  // namespace sqpsych::tokenizers
