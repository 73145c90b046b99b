#pragma once

#include <string>

#include "core/json.h"
#include "models/tokenizers/pipeline/pipeline_tokenizer.h"

namespace sqpsych::tokenizers {

/// What a post_processor of tokenizer.json puts around one text, written to `ids.before` and
/// `ids.after`. All post-processors; FormatError names others.
void read_post_processor(const Json& json, const std::string& where, SpecialIds& ids);

}  // namespace sqpsych::tokenizers
