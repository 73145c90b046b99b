#include <algorithm>
#include <queue>

#include "core/text.h"
#include "models/tokenizers/pipeline/piece_model.h"

namespace sqpsych::tokenizers {
namespace {

constexpr std::int32_t kNone = -1;

/// A run of characters that may or may not be a token yet; size 0 once merged into its left one.
struct ScoredSymbol {
  ByteSpan range;
  std::int32_t previous;
  std::int32_t next;
  std::size_t size() const { return range.end - range.begin; }
};

/// Stale when the two symbols together no longer have this size.
struct ScoredPair {
  float score;
  std::int32_t left;
  std::int32_t right;
  std::size_t size;
  bool operator<(const ScoredPair& other) const {
    return score != other.score ? score < other.score : left > other.left;
  }
};

class ScoreBpe : public PieceModel {
 public:
  ScoreBpe(TokenIndex ids, std::vector<float> scores, const ScoreBpeOptions& options)
      : ids_(std::move(ids)), scores_(std::move(scores)), options_(options) {}

  void encode(std::string_view piece, bool, std::vector<PieceToken>& tokens) const override {
    const std::vector<ScoredSymbol> symbols = merged(piece);
    bool after_unknown = false;
    for (std::int32_t i = symbols.empty() ? kNone : 0; i != kNone;
         i = symbols[static_cast<std::size_t>(i)].next) {
      const ByteSpan range = symbols[static_cast<std::size_t>(i)].range;
      const TokenId known = ids_.find(piece.substr(range.begin, range.end - range.begin));
      const bool is_unknown = known == kNoToken && !has_bytes(piece, range);
      if (known != kNoToken) {
        tokens.push_back({known, range});
      } else if (!is_unknown) {
        for (std::size_t b = range.begin; b < range.end; ++b)
          tokens.push_back({options_.byte_ids[static_cast<unsigned char>(piece[b])], {b, b + 1}});
      } else if (options_.unknown && after_unknown) {
        tokens.back().range.end = range.end;
      } else if (options_.unknown) {
        tokens.push_back({*options_.unknown, range});
      }
      after_unknown = is_unknown;
    }
  }

  std::vector<float> scores(std::size_t count) const override {
    std::vector<float> scores = scores_;
    scores.resize(count, 0.0F);
    return scores;
  }

 private:
  bool has_bytes(std::string_view piece, ByteSpan range) const {
    for (std::size_t i = range.begin; i < range.end; ++i)
      if (options_.byte_ids[static_cast<unsigned char>(piece[i])] == kNone) return false;
    return true;
  }

  std::vector<ScoredSymbol> merged(std::string_view piece) const {
    std::vector<ScoredSymbol> symbols;
    for (std::size_t begin = 0, end = 0; begin < piece.size(); begin = end) {
      end = std::min(piece.size(), begin + utf8_length(static_cast<unsigned char>(piece[begin])));
      const auto index = static_cast<std::int32_t>(symbols.size());
      symbols.push_back({{begin, end}, index - 1, end < piece.size() ? index + 1 : kNone});
    }
    std::priority_queue<ScoredPair> queue;
    const auto push = [&](std::int32_t left, std::int32_t right) {
      if (left == kNone || right == kNone) return;
      const std::size_t begin = symbols[static_cast<std::size_t>(left)].range.begin;
      const std::size_t size = symbols[static_cast<std::size_t>(right)].range.end - begin;
      const TokenId token = ids_.find(piece.substr(begin, size));
      if (token != kNoToken)
        queue.push({scores_[static_cast<std::size_t>(token)], left, right, size});
    };
    for (std::size_t i = 1; i < symbols.size(); ++i)
      push(static_cast<std::int32_t>(i) - 1, static_cast<std::int32_t>(i));
    while (!queue.empty()) {
      const ScoredPair best = queue.top();
      queue.pop();
      ScoredSymbol& left = symbols[static_cast<std::size_t>(best.left)];
      ScoredSymbol& right = symbols[static_cast<std::size_t>(best.right)];
      if (left.size() == 0 || right.size() == 0 || left.size() + right.size() != best.size)
        continue;
      left.range.end = right.range.end;
      left.next = right.next;
      right.range.begin = right.range.end;
      if (left.next != kNone) symbols[static_cast<std::size_t>(left.next)].previous = best.left;
      push(left.previous, best.left);
      push(best.left, left.next);
    }
    return symbols;
  }

  TokenIndex ids_;
  std::vector<float> scores_;
  ScoreBpeOptions options_;
};

}  // namespace

std::unique_ptr<PieceModel> make_score_bpe(TokenIndex ids, std::vector<float> scores,
                                           const ScoreBpeOptions& options) {
  return std::make_unique<ScoreBpe>(std::move(ids), std::move(scores), options);
}

}  // namespace sqpsych::tokenizers
