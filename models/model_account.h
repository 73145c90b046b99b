#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "models/model.h"

namespace sqpsych {

/// Name and text of one line; a name may stand on several.
using AccountLine = std::pair<std::string, std::string>;

/// What a model is, for people: family, sizes, types, features beside the plain ones, tokenizer,
/// chat template and what it refuses, special tokens, what GGUF cannot express of it, and every
/// setting of its files that is not followed. `outline` as load_model_outline gives it.
std::vector<AccountLine> account_of(Model& outline, const ModelOptions& options);

/// Elements of all weights.
std::int64_t parameter_count(const DecoderFeatures& features);

/// Weights in the decoder's type and the keys and values of one sequence of `tokens`.
std::uint64_t inference_bytes(const Decoder& decoder, std::int64_t tokens);

}  // namespace sqpsych
