#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "models/tokenizers/tokenizer.h"

namespace sqpsych::tokenizers {

/// Look-up of texts without copying them.
struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const {
    return std::hash<std::string_view>{}(text);
  }
};
using TokenIds = std::unordered_map<std::string, TokenId, TextHash, std::equal_to<>>;

/// One token of a piece with the bytes of the piece it stands for.
struct PieceToken {
  TokenId id;
  ByteSpan range;
};

/// Turns one piece of normalised text into tokens.
class PieceModel {
 public:
  virtual ~PieceModel() = default;
  /// Appends the piece's tokens in order. `at_text_start`: nothing stands before the piece.
  virtual void encode(std::string_view piece, bool at_text_start,
                      std::vector<PieceToken>& tokens) const = 0;
  /// Scores by id as GGUF wants them for SentencePiece vocabularies.
  virtual std::vector<float> scores(std::size_t count) const = 0;
  /// "left right" in order of priority; empty for models without merges.
  virtual std::vector<std::string> merges() const { return {}; }
};

/// The settings of tokenizer.json's BPE model.
struct MergeBpeOptions {
  std::string unk_token;
  bool fuse_unk = false;
  bool byte_fallback = false;
  bool ignore_merges = false;
};

/// BPE by a list of merges: the pair with the lowest rank first, the leftmost on ties.
/// Pairs of texts; FormatError when a merge names a token that is not in `ids`.
std::unique_ptr<PieceModel> make_merge_bpe(
    std::shared_ptr<const TokenIds> ids,
    const std::vector<std::pair<std::string, std::string>>& merges, const MergeBpeOptions& options,
    const std::string& where);

/// SentencePiece BPE by scores: the adjacent pair whose joined text is a token with the highest
/// score first, the leftmost on ties; characters that are no token become `<0xHH>` bytes, or
/// `unknown` where the vocabulary has no such bytes.
/// `ids` holds what text may become by merging: no control and no byte tokens.
struct ScoreBpeOptions {
  std::optional<TokenId> unknown;
  std::array<TokenId, 256> byte_ids;  ///< -1 where the vocabulary has no such byte
};
std::unique_ptr<PieceModel> make_score_bpe(std::shared_ptr<const TokenIds> ids,
                                           std::vector<float> scores,
                                           const ScoreBpeOptions& options);

}  // namespace sqpsych::tokenizers
