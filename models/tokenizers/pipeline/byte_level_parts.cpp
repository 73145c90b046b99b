#include "models/tokenizers/pipeline/byte_level_parts.h"

#include "core/error.h"
#include "core/text.h"

namespace sqpsych::tokenizers {

void set_byte_level_parts(const TokenIndex& ids, std::vector<MergeRule> rules,
                          const NamedSplit& split, bool ignore_merges, PipelineParts& parts) {
  MergeBpeOptions options;
  options.ignore_merges = ignore_merges;
  options.takes_bytes = has_byte_letters(ids);
  parts.pre_tokenizers = isolated_split_steps(split.patterns, parts.where);
  if (!options.takes_bytes) parts.pre_tokenizers.push_back(byte_letters_step());
  parts.model = make_merge_bpe(ids, std::move(rules), options, parts.where);
  parts.decoders = byte_level_decoder();
  parts.gguf.model = "gpt2";
  parts.gguf.pre = split.gguf_pres.front();
}

const NamedSplit& need_split(const std::string& name, const std::string& where) {
  const NamedSplit* split = find_split_by_name(name);
  if (split) return *split;
  throw ConfigError(
      format("{}: split regex: found {}, expected one of {}: these files do not name it. Set "
             "tokenizer_split.",
             where, name.empty() ? "none" : "'" + name + "'", quoted_list(split_names())));
}

}  // namespace sqpsych::tokenizers
