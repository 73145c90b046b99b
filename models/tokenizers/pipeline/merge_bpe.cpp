#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <queue>

#include "core/error.h"
#include "core/text.h"
#include "models/tokenizers/pipeline/byte_letters.h"
#include "models/tokenizers/pipeline/merge_table.h"

namespace sqpsych::tokenizers {
namespace {

/// Below every real score: such a token is never the result of a merge.
constexpr float kNeverMerged = -1e9F;
/// Up to this many symbols the best pair is found by looking at all of them.
constexpr std::size_t kShort = 64;

using Merge = MergeTable::Merge;

struct Symbol {
  TokenId id;
  std::uint32_t begin;
  std::uint32_t end;
  std::int32_t previous;
  std::int32_t next;
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

/// Whether merging the text of a token gives that token alone.
enum class Whole : std::uint8_t { kUnknown, kYes, kNo };

/// The pairs of characters that some merge joins, a superset by hashing: between two characters of
/// any other pair a text can be cut without changing its tokens.
class JoinedPairs {
 public:
  void add(char32_t left, char32_t right) { bits_[place(left, right)] = true; }
  bool contains(char32_t left, char32_t right) const { return bits_[place(left, right)]; }

 private:
  static constexpr unsigned kBits = 18;
  static std::size_t place(char32_t left, char32_t right) {
    return ((left * 0x9E3779B1U) ^ (right * 0x85EBCA6BU)) >> (32 - kBits);
  }
  std::vector<bool> bits_ = std::vector<bool>(std::size_t{1} << kBits, false);
};

char32_t last_code_point(std::string_view text) {
  std::size_t start = text.size() - 1;
  while (start > 0 && (static_cast<unsigned char>(text[start]) & 0xC0) == 0x80) --start;
  return next_code_point(text, start);
}

std::string bytes_of_letters(std::string_view token) {
  std::string bytes;
  for (std::size_t i = 0; i < token.size();) {
    const auto byte = byte_of_letter(next_code_point(token, i));
    if (!byte) return "";
    bytes += static_cast<char>(*byte);
  }
  return bytes;
}

class MergeBpe : public PieceModel {
 public:
  MergeBpe(const TokenIndex& ids, std::vector<MergeRule> rules, const MergeBpeOptions& options,
           const std::string& where)
      : options_(options), rules_(std::move(rules)), merges_(rules_) {
    read_tokens(ids);
    read_unknown(ids, where);
    has_affixes_ =
        !options_.continuing_subword_prefix.empty() || !options_.end_of_word_suffix.empty();
    may_cut_ = !options_.takes_bytes && !has_affixes_ && find_joined_pairs(ids);
  }

  void encode(std::string_view piece, bool, std::vector<PieceToken>& tokens) const override {
    if (options_.ignore_merges)
      if (const TokenId whole = ids_.find(piece); whole != kNoToken) {
        tokens.push_back({whole, {0, piece.size()}});
        return;
      }
    const std::size_t first = tokens.size();
    if (!may_cut_) return encode_part(piece, 0, first, tokens);
    std::size_t begin = 0;
    std::size_t at = 0;
    for (char32_t last = next_code_point(piece, at); at < piece.size();) {
      const std::size_t here = at;
      const char32_t code = next_code_point(piece, at);
      if (!joined_.contains(last, code)) {
        encode_part(piece.substr(begin, here - begin), begin, first, tokens);
        begin = here;
      }
      last = code;
    }
    encode_part(piece.substr(begin), begin, first, tokens);
  }

  std::vector<float> scores(std::size_t count) const override {
    std::vector<float> scores(count, kNeverMerged);
    for (const MergeRule& rule : rules_) {
      float& score = scores.at(static_cast<std::size_t>(rule.result));
      score = std::max(score, -static_cast<float>(rule.rank));
    }
    return scores;
  }

  std::vector<std::string> merges(const std::vector<std::string>& tokens) const override {
    std::vector<std::string> texts;
    for (const MergeRule& rule : rules_)
      texts.push_back(tokens.at(static_cast<std::size_t>(rule.left)) + " " +
                      tokens.at(static_cast<std::size_t>(rule.right)));
    return texts;
  }

 private:
  void read_tokens(const TokenIndex& ids) {
    TokenId largest = 0;
    ids_.reserve(ids.size());
    ids.for_each([&](std::string_view token, TokenId id) {
      largest = std::max(largest, id);
      const std::string bytes = options_.takes_bytes ? bytes_of_letters(token) : std::string(token);
      if (!bytes.empty()) ids_.insert(bytes, id);
    });
    whole_ = std::vector<std::atomic<Whole>>(static_cast<std::size_t>(largest) + 1);
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const auto name = static_cast<unsigned char>(byte);
      byte_ids_[byte] = ids_.find(options_.takes_bytes ? std::string(1, static_cast<char>(byte))
                                                       : byte_token(name));
    }
  }

  void read_unknown(const TokenIndex& ids, const std::string& where) {
    if (options_.unk_token.empty()) return;
    unknown_ = ids.find(options_.unk_token);
    if (unknown_ == kNoToken)
      throw FormatError(format("{}: unk_token: found '{}', which is not in the vocabulary.", where,
                               options_.unk_token));
  }

  /// False when a merge joins more than characters, so that a text cannot be cut by them.
  bool find_joined_pairs(const TokenIndex& ids) {
    std::vector<std::string_view> texts(whole_.size());
    ids.for_each(
        [&](std::string_view token, TokenId id) { texts[static_cast<std::size_t>(id)] = token; });
    std::vector<bool> is_apart(whole_.size(), false);
    for (const TokenId id : byte_ids_)
      if (id != kNoToken) is_apart[static_cast<std::size_t>(id)] = true;
    if (unknown_ != kNoToken) is_apart[static_cast<std::size_t>(unknown_)] = true;
    for (const MergeRule& rule : rules_) {
      for (const TokenId id : {rule.left, rule.right})
        if (is_apart[static_cast<std::size_t>(id)]) return false;
      std::size_t start = 0;
      const std::string_view right = texts[static_cast<std::size_t>(rule.right)];
      joined_.add(last_code_point(texts[static_cast<std::size_t>(rule.left)]),
                  next_code_point(right, start));
    }
    return true;
  }

  /// A part that no merge leaves; `offset` is its place in the piece whose tokens begin at `first`.
  void encode_part(std::string_view part, std::size_t offset, std::size_t first,
                   std::vector<PieceToken>& tokens) const {
    const TokenId whole = has_affixes_ ? kNoToken : ids_.find(part);
    if (whole != kNoToken && is_whole(part, whole)) {
      tokens.push_back({whole, {offset, offset + part.size()}});
      return;
    }
    static thread_local std::vector<Symbol> symbols;
    merge_part(part, symbols);
    if (symbols.empty()) return;
    for (std::int32_t i = 0; i >= 0; i = symbols[static_cast<std::size_t>(i)].next) {
      const Symbol& symbol = symbols[static_cast<std::size_t>(i)];
      const bool joins_unknown = symbol.id == unknown_ && options_.fuse_unk &&
                                 tokens.size() > first && tokens.back().id == unknown_;
      if (joins_unknown)
        tokens.back().range.end = offset + symbol.end;
      else
        tokens.push_back({symbol.id, {offset + symbol.begin, offset + symbol.end}});
    }
  }

  bool is_whole(std::string_view text, TokenId id) const {
    auto& known = whole_[static_cast<std::size_t>(id)];
    Whole answer = known.load(std::memory_order_relaxed);
    if (answer == Whole::kUnknown) {
      std::vector<Symbol> symbols;
      merge_part(text, symbols);
      const bool is_one = !symbols.empty() && symbols[0].next < 0 && symbols[0].id == id &&
                          symbols[0].begin == 0 && symbols[0].end == text.size();
      answer = is_one ? Whole::kYes : Whole::kNo;
      known.store(answer, std::memory_order_relaxed);
    }
    return answer == Whole::kYes;
  }

  void merge_part(std::string_view part, std::vector<Symbol>& symbols) const {
    symbols.clear();
    if (options_.takes_bytes)
      byte_symbols(part, symbols);
    else
      character_symbols(part, symbols);
    if (symbols.size() > kShort) return merge_long(symbols);
    merge_short(symbols);
  }

  void byte_symbols(std::string_view part, std::vector<Symbol>& symbols) const {
    symbols.resize(part.size());
    for (std::uint32_t i = 0; i < part.size(); ++i)
      symbols[i] = {byte_ids_[static_cast<unsigned char>(part[i])], i, i + 1,
                    static_cast<std::int32_t>(i) - 1, static_cast<std::int32_t>(i) + 1};
    if (!symbols.empty()) symbols.back().next = -1;
  }

  void character_symbols(std::string_view part, std::vector<Symbol>& symbols) const {
    bool after_unknown = false;
    const auto add = [&](TokenId id, std::size_t begin, std::size_t end) {
      const auto index = static_cast<std::int32_t>(symbols.size());
      symbols.push_back({id, static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end),
                         index - 1, index + 1});
    };
    for (std::size_t begin = 0, end = 0; begin < part.size(); begin = end) {
      end = std::min(part.size(), begin + utf8_length(static_cast<unsigned char>(part[begin])));
      const std::string_view character = part.substr(begin, end - begin);
      const TokenId known = find_character(character, begin == 0, end == part.size());
      const bool is_unknown = known == kNoToken && !has_bytes(character);
      if (known != kNoToken) {
        add(known, begin, end);
      } else if (!is_unknown) {
        for (std::size_t i = begin; i < end; ++i)
          add(byte_ids_[static_cast<unsigned char>(part[i])], i, i + 1);
      } else if (unknown_ != kNoToken && after_unknown && options_.fuse_unk) {
        symbols.back().end = static_cast<std::uint32_t>(end);
      } else if (unknown_ != kNoToken) {
        add(unknown_, begin, end);
      }
      after_unknown = is_unknown;
    }
    if (!symbols.empty()) symbols.back().next = -1;
  }

  TokenId find_character(std::string_view character, bool is_first, bool is_last) const {
    if (!has_affixes_) return ids_.find(character);
    std::string text(is_first ? "" : options_.continuing_subword_prefix);
    text.append(character);
    if (is_last) text += options_.end_of_word_suffix;
    return ids_.find(text);
  }

  bool has_bytes(std::string_view character) const {
    return options_.byte_fallback && std::all_of(character.begin(), character.end(), [&](char c) {
             return byte_ids_[static_cast<unsigned char>(c)] != kNoToken;
           });
  }

  /// Looks at all pairs for each merge; leaves the symbols that remain side by side.
  void merge_short(std::vector<Symbol>& symbols) const {
    std::size_t count = symbols.size();
    if (count < 2) return;
    std::array<Merge, kShort> pairs;
    for (std::size_t i = 0; i + 1 < count; ++i)
      pairs[i] = merges_.find(symbols[i].id, symbols[i + 1].id);
    while (count > 1) {
      std::size_t best = 0;
      for (std::size_t i = 1; i + 1 < count; ++i)
        if (pairs[i].rank < pairs[best].rank) best = i;
      if (pairs[best].rank == MergeTable::kNoRank) break;
      symbols[best].id = pairs[best].result;
      symbols[best].end = symbols[best + 1].end;
      const std::size_t behind = count - best - 2;
      std::memmove(&symbols[best + 1], &symbols[best + 1] + 1, behind * sizeof(Symbol));
      std::memmove(&pairs[best], &pairs[best] + 1, behind * sizeof(Merge));
      --count;
      if (best > 0) pairs[best - 1] = merges_.find(symbols[best - 1].id, symbols[best].id);
      if (best + 1 < count) pairs[best] = merges_.find(symbols[best].id, symbols[best + 1].id);
    }
    symbols.resize(count);
    for (std::size_t i = 0; i < count; ++i)
      symbols[i].next = i + 1 < count ? static_cast<std::int32_t>(i) + 1 : -1;
  }

  /// Keeps the pairs in a queue; leaves the symbols that remain linked by `next`.
  void merge_long(std::vector<Symbol>& symbols) const {
    std::priority_queue<Candidate> queue;
    const auto at = [&](std::int32_t i) -> Symbol& { return symbols[static_cast<std::size_t>(i)]; };
    const auto push = [&](std::int32_t left) {
      if (left < 0 || at(left).next < 0) return;
      const Merge merge = merges_.find(at(left).id, at(at(left).next).id);
      if (merge.rank != MergeTable::kNoRank) queue.push({merge.rank, left, merge.result});
    };
    for (std::size_t i = 0; i < symbols.size(); ++i) push(static_cast<std::int32_t>(i));
    while (!queue.empty()) {
      const Candidate best = queue.top();
      queue.pop();
      Symbol& left = at(best.left);
      if (left.begin == left.end || left.next < 0) continue;
      Symbol& right = at(left.next);
      if (merges_.find(left.id, right.id).result != best.result) continue;
      left.id = best.result;
      left.end = right.end;
      left.next = right.next;
      right.begin = right.end;
      if (left.next >= 0) at(left.next).previous = best.left;
      push(left.previous);
      push(best.left);
    }
  }

  MergeBpeOptions options_;
  std::vector<MergeRule> rules_;
  MergeTable merges_;
  TokenIndex ids_;
  mutable std::vector<std::atomic<Whole>> whole_;
  std::array<TokenId, 256> byte_ids_{};
  TokenId unknown_ = kNoToken;
  JoinedPairs joined_;
  bool has_affixes_ = false;
  bool may_cut_ = false;
};

}  // namespace

bool has_byte_letters(const TokenIndex& ids) {
  return std::all_of(byte_letters().begin(), byte_letters().end(),
                     [&](const std::string& letter) { return ids.contains(letter); });
}

std::unique_ptr<PieceModel> make_merge_bpe(const TokenIndex& ids, std::vector<MergeRule> rules,
                                           const MergeBpeOptions& options,
                                           const std::string& where) {
  return std::make_unique<MergeBpe>(ids, std::move(rules), options, where);
}

}  // namespace sqpsych::tokenizers
