#pragma once

#include <filesystem>
#include <map>
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
  bool legacy_prefix = true;  ///< a space is put before every fragment, not only the first
  std::vector<AddedToken> added;
  std::size_t num_stated = 0;  ///< the first of `added`: those whose flags a file states
  /// Tokens by the names that templates know them by: bos_token, mask_token, image_token ...
  std::map<std::string, std::string> named;
  std::vector<AddedToken> declared;  ///< the named and the further special ones, without ids
};
/// Where the two name different tokens, special_tokens_map.json counts, unless
/// tokenizer_config.json has an added_tokens_decoder (as in transformers 5).
SpecialTokenSettings read_special_token_settings(const std::filesystem::path& folder);

/// Gives the four roles their names where `named` has none: for kinds whose files imply them.
void name_roles(SpecialTokenSettings& settings);

/// Adds the settings' tokens to `added` where it does not hold their id yet.
void merge_added_tokens(const std::vector<AddedToken>& more, std::vector<AddedToken>& added);

/// Fills tokens and ids of `parts` from the table, then:
/// - declared special tokens of the vocabulary are found in texts like added ones; those that the
///   vocabulary has not stay text, since no embedding has a row for them;
/// - special ids: the roles by text; what is put before and after a text is `add_bos` and `add_eos`
///   where the settings have them, otherwise what `parts.special` holds of the tokenizer file;
/// - types for GGUF: control for special tokens and those that look like it, user-defined for other
///   added ones, byte for `<0xHH>` when `has_bytes`, unused for gaps, otherwise normal. What became
///   control is marked as special in `parts.added`.
void set_vocabulary(const SpecialTokenSettings& settings, TokenTable& table, bool has_bytes,
                    PipelineParts& parts);

}  // namespace sqpsych::tokenizers
