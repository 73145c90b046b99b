#pragma once

#include <string>
#include <vector>

#include "core/json.h"
#include "models/families/family.h"
#include "models/tokenizers/tokenizer.h"

namespace sqpsych {

/// Settings of a decoder's config.json (`config`, see Family::text_config) that the family does not
/// read although they may change what a model computes, as "key: value". Keys about bookkeeping,
/// and values that ask for nothing (null, false, 0, empty), are left out.
std::vector<std::string> unread_settings(const Family& family, const Json& config);

/// The same of generation_config.json: what transformers' generate() would follow and our commands
/// take from their own settings instead.
std::vector<std::string> unread_generation_settings(const Json& generation_config);

/// Settings of tokenizer_config.json that ask for other ids than this tokenizer gives.
std::vector<std::string> unread_tokenizer_settings(const Json& tokenizer_config,
                                                   const Tokenizer& tokenizer);

}  // namespace sqpsych
