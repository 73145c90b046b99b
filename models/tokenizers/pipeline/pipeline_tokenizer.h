#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "models/tokenizers/pipeline/added_tokens.h"
#include "models/tokenizers/pipeline/decoder.h"
#include "models/tokenizers/pipeline/piece_model.h"
#include "models/tokenizers/pipeline/text_steps.h"
#include "models/tokenizers/tokenizer.h"

namespace sqpsych::tokenizers {

/// What a tokenizer is in a GGUF file.
struct GgufForm {
  std::string model;  ///< "llama", "gpt2", or empty when there is no form
  std::string pre = "default";
  bool add_space_prefix = true;
  std::string why_none;  ///< what GGUF has no word for, when `model` is empty
};

/// Ids with a role, and what is put around a text.
struct SpecialIds {
  std::optional<TokenId> bos, eos, unknown, padding;
  std::vector<TokenId> before;  ///< put before a text when special tokens are added
  std::vector<TokenId> after;
};

/// Everything a tokenizer is made of. `tokens` and `types` are by id; an id without a token has an
/// empty text and type kUnused.
struct PipelineParts {
  std::string where;
  std::vector<std::string> tokens;
  std::vector<TokenType> types;
  TokenIndex ids;
  std::vector<AddedToken> added;
  std::vector<Normalizer> normalizers;
  std::vector<PreTokenizer> pre_tokenizers;
  std::unique_ptr<PieceModel> model;
  std::vector<DecodeStep> decoders;
  SpecialIds special;
  std::map<std::string, std::string> named;  ///< see Tokenizer::special_texts
  GgufForm gguf;
};

/// added tokens (raw) -> normalizers -> added tokens (normalised) -> pre-tokenizers -> model.
std::unique_ptr<Tokenizer> make_pipeline_tokenizer(PipelineParts parts);

/// Collects (text, id) pairs into `tokens` by id. FormatErrors name ids that are negative, given
/// twice, or so large that most ids below would have no token.
class TokenTable {
 public:
  explicit TokenTable(std::string where) : where_(std::move(where)) {}
  void reserve(std::size_t count);
  void add(std::string_view text, std::int64_t id);
  /// The id of `text`, when it is in the table.
  std::optional<TokenId> find(std::string_view text) const;
  const TokenIndex& ids() const { return ids_; }
  /// FormatError when the table is empty or mostly gaps.
  std::vector<std::string> by_id() const;

 private:
  std::string where_;
  TokenIndex ids_;
  TokenId largest_ = -1;
};

}  // namespace sqpsych::tokenizers
