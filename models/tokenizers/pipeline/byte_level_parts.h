#pragma once

#include <string>
#include <vector>

#include "models/tokenizers/pipeline/pipeline_tokenizer.h"
#include "models/tokenizers/pipeline/split_patterns.h"

namespace sqpsych::tokenizers {

/// Sets splits, model, decoder and GGUF form of a byte-level BPE vocabulary with a known split.
/// `ids` is what text may become by merging, written in byte letters. `ignore_merges`: a piece that
/// is a token is taken whole.
void set_byte_level_parts(const TokenIndex& ids, std::vector<MergeRule> rules,
                          const NamedSplit& split, bool ignore_merges, PipelineParts& parts);

/// The split of that name; ConfigError naming `where` and the setting when there is none.
const NamedSplit& need_split(const std::string& name, const std::string& where);

}  // namespace sqpsych::tokenizers
