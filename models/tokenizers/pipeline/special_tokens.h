#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "models/tokenizers/pipeline/added_tokens.h"
#include "models/tokenizers/pipeline/pipeline_tokenizer.h"

namespace sqpsych::tokenizers {

/// What the small files beside a vocabulary say: tokenizer_config.json, special_tokens_map.json and
/// added_tokens.json, each of which may be absent.
struct SpecialTokenSettings {
  std::optional<std::string> bos, eos, unknown, padding;
  std::optional<bool> add_bos, add_eos;
  std::optional<bool> add_prefix_space;
  bool legacy_prefix = true;  ///< a space is put before every fragment, not only the first
  std::vector<AddedToken> added;
};
SpecialTokenSettings read_special_token_settings(const std::filesystem::path& folder);

/// Adds the settings' tokens to `added` where it does not hold their id yet.
void merge_added_tokens(const std::vector<AddedToken>& more, std::vector<AddedToken>& added);

/// Ids of the roles by text, then what is put before and after a text: `add_bos` and `add_eos`
/// where the settings have them, otherwise `before` and `after` of the tokenizer file.
SpecialIds special_ids(const SpecialTokenSettings& settings, const TokenTable& table,
                       std::vector<TokenId> before, std::vector<TokenId> after);

/// Types for GGUF: control for special tokens and those that look like it, user-defined for other
/// added ones, byte for `<0xHH>` when `has_bytes`, unused for gaps, otherwise normal.
/// Marks in `added` as special what became control.
std::vector<TokenType> token_types(const std::vector<std::string>& tokens,
                                   const SpecialIds& special, bool has_bytes,
                                   std::vector<AddedToken>& added);

}  // namespace sqpsych::tokenizers
