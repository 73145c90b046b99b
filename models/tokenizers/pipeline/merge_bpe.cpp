#include <algorithm>
#include <array>
#include <queue>

#include "core/error.h"
#include "core/text.h"
#include "models/tokenizers/pipeline/byte_letters.h"
#include "models/tokenizers/pipeline/piece_model.h"

namespace sqpsych::tokenizers {
namespace {

constexpr std::int32_t kNone = -1;
/// Below every real score: such a token is never the result of a merge.
constexpr float kNeverMerged = -1e9F;

struct Merge {
  std::int32_t rank;
  TokenId result;
};

struct Symbol {
  TokenId id;
  ByteSpan range;
  std::int32_t previous;
  std::int32_t next;
  bool alive = true;
};

/// A pair that could be merged when it was pushed; stale when its symbols have changed since.
struct Candidate {
  std::int32_t rank;
  std::int32_t left;
  TokenId result;
  bool operator<(const Candidate& other) const {
    return rank != other.rank ? rank > other.rank : left > other.left;
  }
};

std::uint64_t pair_key(TokenId left, TokenId right) {
  return (static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32) |
         static_cast<std::uint32_t>(right);
}

class MergeBpe : public PieceModel {
 public:
  MergeBpe(std::shared_ptr<const TokenIds> ids,
           const std::vector<std::pair<std::string, std::string>>& merges,
           const MergeBpeOptions& options, const std::string& where)
      : ids_(std::move(ids)), options_(options) {
    read_merges(merges, where);
    read_unknown(where);
    for (int byte = 0; byte < 256; ++byte) {
      const auto found = ids_->find(byte_token(static_cast<unsigned char>(byte)));
      byte_ids_[static_cast<std::size_t>(byte)] = found == ids_->end() ? kNone : found->second;
    }
  }

  void encode(std::string_view piece, bool, std::vector<PieceToken>& tokens) const override {
    if (options_.ignore_merges)
      if (const auto whole = ids_->find(piece); whole != ids_->end()) {
        tokens.push_back({whole->second, {0, piece.size()}});
        return;
      }
    std::vector<Symbol> symbols = first_symbols(piece);
    merge_all(symbols);
    for (const Symbol& symbol : symbols)
      if (symbol.alive) tokens.push_back({symbol.id, symbol.range});
  }

  std::vector<float> scores(std::size_t count) const override {
    std::vector<float> scores(count, kNeverMerged);
    for (const auto& [pair, merge] : merges_) {
      float& score = scores.at(static_cast<std::size_t>(merge.result));
      score = std::max(score, -static_cast<float>(merge.rank));
    }
    return scores;
  }

  std::vector<std::string> merges() const override { return merge_texts_; }

 private:
  void read_merges(const std::vector<std::pair<std::string, std::string>>& merges,
                   const std::string& where) {
    merges_.reserve(merges.size());
    const auto id_of = [&](const std::string& token, std::size_t index) {
      const auto found = ids_->find(token);
      if (found == ids_->end())
        throw FormatError(
            format("{}: merge {}: found token '{}', which is not in the vocabulary. The "
                   "vocabulary and the merges are not of one tokenizer.",
                   where, index, token));
      return found->second;
    };
    for (std::size_t i = 0; i < merges.size(); ++i) {
      const auto& [left, right] = merges[i];
      const TokenId left_id = id_of(left, i);
      const TokenId right_id = id_of(right, i);
      const Merge merge{static_cast<std::int32_t>(i), id_of(left + right, i)};
      merges_.insert_or_assign(pair_key(left_id, right_id), merge);
      merge_texts_.push_back(left + " " + right);
    }
  }

  void read_unknown(const std::string& where) {
    if (options_.unk_token.empty()) return;
    const auto found = ids_->find(options_.unk_token);
    if (found == ids_->end())
      throw FormatError(format("{}: unk_token: found '{}', which is not in the vocabulary.", where,
                               options_.unk_token));
    unknown_ = found->second;
  }

  std::vector<Symbol> first_symbols(std::string_view piece) const {
    std::vector<Symbol> symbols;
    symbols.reserve(piece.size());
    bool after_unknown = false;
    const auto add = [&](TokenId id, std::size_t begin, std::size_t end) {
      symbols.push_back({id,
                         {begin, end},
                         static_cast<std::int32_t>(symbols.size()) - 1,
                         static_cast<std::int32_t>(symbols.size()) + 1});
    };
    for (std::size_t begin = 0, end = 0; begin < piece.size(); begin = end) {
      end = std::min(piece.size(), begin + utf8_length(static_cast<unsigned char>(piece[begin])));
      const std::string_view character = piece.substr(begin, end - begin);
      const auto known = ids_->find(character);
      const bool is_unknown = known == ids_->end() && !has_bytes(character);
      if (known != ids_->end()) {
        add(known->second, begin, end);
      } else if (!is_unknown) {
        for (std::size_t i = begin; i < end; ++i)
          add(byte_ids_[static_cast<unsigned char>(piece[i])], i, i + 1);
      } else if (unknown_ && after_unknown && options_.fuse_unk) {
        symbols.back().range.end = end;
      } else if (unknown_) {
        add(*unknown_, begin, end);
      }
      after_unknown = is_unknown;
    }
    if (!symbols.empty()) symbols.back().next = kNone;
    return symbols;
  }

  bool has_bytes(std::string_view character) const {
    return options_.byte_fallback && std::all_of(character.begin(), character.end(), [&](char c) {
             return byte_ids_[static_cast<unsigned char>(c)] != kNone;
           });
  }

  const Merge* find_merge(TokenId left, TokenId right) const {
    const auto found = merges_.find(pair_key(left, right));
    return found == merges_.end() ? nullptr : &found->second;
  }

  void merge_all(std::vector<Symbol>& symbols) const {
    std::priority_queue<Candidate> queue;
    const auto push = [&](std::int32_t left) {
      const std::int32_t right =
          left == kNone ? kNone : symbols[static_cast<std::size_t>(left)].next;
      if (right == kNone) return;
      const Merge* merge = find_merge(symbols[static_cast<std::size_t>(left)].id,
                                      symbols[static_cast<std::size_t>(right)].id);
      if (merge) queue.push({merge->rank, left, merge->result});
    };
    for (std::size_t i = 0; i < symbols.size(); ++i) push(static_cast<std::int32_t>(i));
    while (!queue.empty()) {
      const Candidate best = queue.top();
      queue.pop();
      Symbol& left = symbols[static_cast<std::size_t>(best.left)];
      if (!left.alive || left.next == kNone) continue;
      Symbol& right = symbols[static_cast<std::size_t>(left.next)];
      const Merge* merge = find_merge(left.id, right.id);
      if (!merge || merge->result != best.result) continue;
      left.id = best.result;
      left.range.end = right.range.end;
      left.next = right.next;
      right.alive = false;
      if (left.next != kNone) symbols[static_cast<std::size_t>(left.next)].previous = best.left;
      push(left.previous);
      push(best.left);
    }
  }

  std::shared_ptr<const TokenIds> ids_;
  MergeBpeOptions options_;
  std::optional<TokenId> unknown_;
  std::unordered_map<std::uint64_t, Merge> merges_;
  std::vector<std::string> merge_texts_;
  std::array<TokenId, 256> byte_ids_{};
};

}  // namespace

std::unique_ptr<PieceModel> make_merge_bpe(
    std::shared_ptr<const TokenIds> ids,
    const std::vector<std::pair<std::string, std::string>>& merges, const MergeBpeOptions& options,
    const std::string& where) {
  return std::make_unique<MergeBpe>(std::move(ids), merges, options, where);
}

}  // namespace sqpsych::tokenizers
