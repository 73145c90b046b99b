#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/json.h"
#include "models/tokenized_row.h"

namespace sqpsych {

/// generation_config.json with `end` among its eos_token_id, at which transformers' generate()
/// stops. A file that names no end has those of config.json (`config`), as transformers reads it.
/// Unchanged, null included, where `end` counts already.
Json with_end_token(const Json& generation_config, const Json& config, TokenId end);

/// eos_token_id of config.json or generation_config.json: absent, one id or a list; negative ones
/// mean "none" in old configs. FormatError for an id that is none of the `rows` of the embedding.
std::vector<TokenId> end_token_ids(const Json& config, std::int64_t rows, const std::string& where);

}  // namespace sqpsych
