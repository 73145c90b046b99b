#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "models/tokenizers/pipeline/token_index.h"
#include "models/tokenizers/tokenizer.h"

namespace sqpsych::tokenizers {

/// One token of a piece with the bytes of the piece it stands for.
struct PieceToken {
  TokenId id;
  ByteSpan range;
};

/// Turns one piece of normalised text into tokens. Safe to use from many threads.
class PieceModel {
 public:
  virtual ~PieceModel() = default;
  /// Appends the piece's tokens in order. `at_text_start`: nothing stands before the piece.
  virtual void encode(std::string_view piece, bool at_text_start,
                      std::vector<PieceToken>& tokens) const = 0;
  /// Scores by id as GGUF wants them for SentencePiece vocabularies.
  virtual std::vector<float> scores(std::size_t count) const = 0;
  /// "left right" in order of priority, the texts taken from `tokens` by id; empty for models
  /// without merges.
  virtual std::vector<std::string> merges(const std::vector<std::string>& /*tokens*/) const {
    return {};
  }
};

/// Two tokens that become one; the lowest rank goes first.
struct MergeRule {
  TokenId left;
  TokenId right;
  TokenId result;
  std::int32_t rank;
};

/// The settings of tokenizer.json's BPE model.
struct MergeBpeOptions {
  std::string unk_token;
  std::string continuing_subword_prefix;  ///< of every character of a piece but the first
  std::string end_of_word_suffix;         ///< of the last character of a piece
  bool fuse_unk = false;
  bool byte_fallback = false;
  bool ignore_merges = false;
  bool takes_bytes = false;  ///< pieces are bytes, the vocabulary is written in byte letters
};

/// Rules from pairs of texts in order of rank. FormatError when a text is not in `ids`.
/// `prefix`: the continuing_subword_prefix, which a merge drops from its right part.
std::vector<MergeRule> merge_rules(
    const TokenIndex& ids, const std::vector<std::pair<std::string_view, std::string_view>>& merges,
    std::string_view prefix, const std::string& where);
/// Rules of a vocabulary whose ids are ranks (tiktoken): any two tokens whose bytes together are a
/// token, ranked by it. `tokens` by id, in bytes.
std::vector<MergeRule> merge_rules_of_ranks(const std::vector<std::string>& tokens);

/// BPE by rules: the pair with the lowest rank first, the leftmost on ties.
std::unique_ptr<PieceModel> make_merge_bpe(const TokenIndex& ids, std::vector<MergeRule> rules,
                                           const MergeBpeOptions& options,
                                           const std::string& where);
/// True when `ids` has all 256 byte letters, so that pieces can be taken as bytes.
bool has_byte_letters(const TokenIndex& ids);

/// SentencePiece BPE by scores: the adjacent pair whose joined text is a token with the highest
/// score first, the leftmost on ties; characters that are no token become `<0xHH>` bytes, or
/// `unknown` where the vocabulary has no such bytes.
/// `ids` holds what text may become by merging: no control and no byte tokens.
struct ScoreBpeOptions {
  std::optional<TokenId> unknown;
  std::array<TokenId, 256> byte_ids;  ///< kNoToken where the vocabulary has no such byte
};
std::unique_ptr<PieceModel> make_score_bpe(TokenIndex ids, std::vector<float> scores,
                                           const ScoreBpeOptions& options);

/// The cut of a piece into tokens with the largest sum of log probabilities (Kudo 2018, "Subword
/// Regularization"). A character that no token begins with costs 10 more than the worst token;
/// several in a row are one unknown token (tokenizers 0.23.3 does so whatever `fuse_unk` says).
struct UnigramOptions {
  std::optional<TokenId> unknown;
  bool byte_fallback = false;
};
/// `scores` by id; `unknown` is one of them.
std::unique_ptr<PieceModel> make_unigram(TokenIndex ids, std::vector<double> scores,
                                         const UnigramOptions& options);

}  // namespace sqpsych::tokenizers
