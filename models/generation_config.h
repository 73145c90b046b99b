#pragma once

#include "core/json.h"
#include "models/tokenized_row.h"

namespace sqpsych {

/// generation_config.json with `end` among its eos_token_id, at which transformers' generate()
/// stops. A file that names no end has those of config.json (`config`), as transformers reads it.
/// Unchanged, null included, where `end` counts already.
Json with_end_token(const Json& generation_config, const Json& config, TokenId end);

}  // namespace sqpsych
