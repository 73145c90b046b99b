#include <algorithm>
#include <limits>

#include "core/error.h"
#include "core/text.h"
#include "models/tokenizers/pipeline/byte_letters.h"
#include "models/tokenizers/pipeline/piece_model.h"

namespace sqpsych::tokenizers {
namespace {

/// How much worse an unknown character is than the worst token (sentencepiece: unigram_model.cc).
constexpr double kUnknownPenalty = 10.0;

/// Byte by byte from the root to tokens; the edges lie in one flat hash table.
class Trie {
 public:
  explicit Trie(const TokenIndex& ids) {
    ids.for_each([&](std::string_view text, TokenId id) {
      std::uint32_t node = 0;
      for (const char byte : text) node = child_or_new(node, static_cast<unsigned char>(byte));
      ids_[node] = id;
    });
  }
  /// Calls `visit(length, id)` for every token that `text` begins with, the shortest first.
  template <class Visit>
  void for_each_prefix(std::string_view text, const Visit& visit) const {
    std::uint32_t node = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
      node = child(node, static_cast<unsigned char>(text[i]));
      if (node == 0) return;
      if (ids_[node] != kNoToken) visit(i + 1, ids_[node]);
    }
  }

 private:
  struct Edge {
    std::uint64_t key = UINT64_MAX;
    std::uint32_t child = 0;
  };
  static std::uint64_t key_of(std::uint32_t node, unsigned char byte) {
    return (static_cast<std::uint64_t>(node) << 8) | byte;
  }
  std::size_t place_of(std::uint64_t key) const {
    return static_cast<std::size_t>((key * 0x9E3779B97F4A7C15U) >> 32) & (edges_.size() - 1);
  }
  std::uint32_t child(std::uint32_t node, unsigned char byte) const {
    const std::uint64_t key = key_of(node, byte);
    std::size_t i = place_of(key);
    while (edges_[i].key != key && edges_[i].child != 0) i = (i + 1) & (edges_.size() - 1);
    return edges_[i].child;
  }
  std::uint32_t child_or_new(std::uint32_t node, unsigned char byte) {
    if (const std::uint32_t known = child(node, byte)) return known;
    if (ids_.size() * 2 > edges_.size()) grow();
    const auto fresh = static_cast<std::uint32_t>(ids_.size());
    ids_.push_back(kNoToken);
    add({key_of(node, byte), fresh});
    return fresh;
  }
  void add(const Edge& edge) {
    std::size_t i = place_of(edge.key);
    while (edges_[i].child != 0) i = (i + 1) & (edges_.size() - 1);
    edges_[i] = edge;
  }
  void grow() {
    std::vector<Edge> old(edges_.size() * 4);
    old.swap(edges_);
    for (const Edge& edge : old)
      if (edge.child != 0) add(edge);
  }

  std::vector<Edge> edges_ = std::vector<Edge>(1024);
  std::vector<TokenId> ids_ = {kNoToken};
};

/// The best way to the boundary behind a character.
struct Best {
  double score = 0;
  std::size_t begin = kNowhere;
  TokenId id = kNoToken;
  static constexpr std::size_t kNowhere = std::numeric_limits<std::size_t>::max();
};

class Unigram : public PieceModel {
 public:
  Unigram(TokenIndex ids, std::vector<double> scores, const UnigramOptions& options)
      : ids_(std::move(ids)), scores_(std::move(scores)), options_(options), trie_(ids_) {
    if (!scores_.empty())
      unknown_score_ = *std::min_element(scores_.begin(), scores_.end()) - kUnknownPenalty;
    for (std::size_t byte = 0; byte < 256; ++byte)
      byte_ids_[byte] = ids_.find(byte_token(static_cast<unsigned char>(byte)));
  }

  void encode(std::string_view piece, bool, std::vector<PieceToken>& tokens) const override {
    static thread_local std::vector<Best> best;
    best.assign(piece.size() + 1, {});
    find_best(piece, best);
    static thread_local std::vector<PieceToken> reversed;
    reversed.clear();
    for (std::size_t end = piece.size(); end > 0; end = best[end].begin) {
      const Best& last = best[end];
      const bool is_unknown = options_.unknown && last.id == *options_.unknown;
      const bool fuses = is_unknown && !reversed.empty() && reversed.back().id == last.id &&
                         reversed.back().range.begin == end;
      if (fuses)
        reversed.back().range.begin = last.begin;
      else
        reversed.push_back({last.id, {last.begin, end}});
    }
    for (auto token = reversed.rbegin(); token != reversed.rend(); ++token)
      add(piece, *token, tokens);
  }

  std::vector<float> scores(std::size_t count) const override {
    std::vector<float> scores;
    for (const double score : scores_) scores.push_back(static_cast<float>(score));
    scores.resize(count, 0.0F);
    return scores;
  }

 private:
  void find_best(std::string_view piece, std::vector<Best>& best) const {
    const auto offer = [&](std::size_t begin, std::size_t end, TokenId id, double score) {
      Best& target = best[end];
      const double sum = best[begin].score + score;
      if (target.begin == Best::kNowhere || sum > target.score) target = {sum, begin, id};
    };
    for (std::size_t begin = 0, next = 0; begin < piece.size(); begin = next) {
      next_code_point(piece, next);
      bool has_single = false;
      trie_.for_each_prefix(piece.substr(begin), [&](std::size_t length, TokenId id) {
        offer(begin, begin + length, id, scores_[static_cast<std::size_t>(id)]);
        has_single = has_single || length == next - begin;
      });
      if (!has_single) {
        if (!options_.unknown)
          throw FormatError(
              format("tokenizer: text: found a character at byte {} of a piece that is not in the "
                     "vocabulary, which has no unknown token.",
                     begin));
        offer(begin, next, *options_.unknown, unknown_score_);
      }
    }
  }

  /// A token, or what stands for characters that are none.
  void add(std::string_view piece, const PieceToken& token, std::vector<PieceToken>& tokens) const {
    if (!options_.unknown || token.id != *options_.unknown) return tokens.push_back(token);
    const auto [begin, end] = token.range;
    const TokenId known = ids_.find(piece.substr(begin, end - begin));
    if (known != kNoToken) return tokens.push_back({known, token.range});
    bool has_bytes = options_.byte_fallback;
    for (std::size_t i = begin; i < end; ++i)
      has_bytes = has_bytes && byte_ids_[static_cast<unsigned char>(piece[i])] != kNoToken;
    if (!has_bytes) return tokens.push_back(token);
    for (std::size_t i = begin; i < end; ++i)
      tokens.push_back({byte_ids_[static_cast<unsigned char>(piece[i])], {i, i + 1}});
  }

  TokenIndex ids_;
  std::vector<double> scores_;
  UnigramOptions options_;
  Trie trie_;
  double unknown_score_ = 0;
  std::array<TokenId, 256> byte_ids_{};
};

}  // namespace

std::unique_ptr<PieceModel> make_unigram(TokenIndex ids, std::vector<double> scores,
                                         const UnigramOptions& options) {
  return std::make_unique<Unigram>(std::move(ids), std::move(scores), options);
}

}  // namespace sqpsych::tokenizers
