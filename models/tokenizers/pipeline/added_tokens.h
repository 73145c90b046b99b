#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "core/json.h"
#include "models/tokenizers/tokenizer.h"

namespace sqpsych::tokenizers {

/// A token that is found in the text before the model sees it.
struct AddedToken {
  TokenId id = -1;
  std::string content;
  bool special = false;      ///< control: never recognised inside literal ranges
  bool normalized = false;   ///< looked for in the normalised text, by its normalised content
  bool single_word = false;  ///< only between characters that are no word characters
  bool lstrip = false;       ///< takes the white space before it
  bool rstrip = false;       ///< takes the white space behind it
};

/// Reads one added token as tokenizer.json and added_tokens_decoder write it.
AddedToken added_token_from_json(const Json& json, TokenId id, const std::string& where);

/// Texts such as <|user|> or </s> that runtimes treat as control tokens whatever their flag says.
bool looks_like_control(std::string_view content);

/// A piece of a text: an added token or what stands between.
struct Fragment {
  ByteSpan range;
  const AddedToken* token = nullptr;
};

/// Finds added tokens: the leftmost, then the longest, as the Hugging Face splitter does.
class AddedTokenFinder {
 public:
  AddedTokenFinder() = default;
  /// `patterns[i]` is the text under which `tokens[i]` is found; empty ones are never found.
  AddedTokenFinder(const std::vector<const AddedToken*>& tokens,
                   const std::vector<std::string>& patterns);

  /// Cuts `text` at the added tokens. `blocked(range)` forbids control tokens there.
  template <class Blocked>
  std::vector<Fragment> cut(std::string_view text, const Blocked& blocked) const {
    std::vector<Fragment> fragments;
    std::size_t done = 0;
    for (std::size_t at = next_candidate(text, 0); at < text.size();) {
      const auto [token, length] =
          longest_at(text, at, [&](const AddedToken& candidate, std::size_t size) {
            return !(candidate.special && blocked(ByteSpan{at, at + size}));
          });
      if (token) add_match(text, {at, at + length}, *token, done, fragments);
      at = next_candidate(text, token ? at + length : at + 1);
    }
    if (done < text.size()) fragments.push_back({{done, text.size()}, nullptr});
    return fragments;
  }
  bool empty() const { return nodes_.size() <= 1; }

 private:
  struct Node {
    std::vector<std::pair<unsigned char, std::uint32_t>> next;
    const AddedToken* token = nullptr;
    /// The node behind `byte`, or 0: the root is behind nothing.
    std::uint32_t behind(unsigned char byte) const {
      for (const auto& [label, node] : next)
        if (label == byte) return node;
      return 0;
    }
  };

  /// The next place from `at` on where a token could begin, by its first two bytes.
  std::size_t next_candidate(std::string_view text, std::size_t at) const {
    if (empty()) return text.size();
    for (; at < text.size(); ++at) {
      const std::uint8_t first = first_bytes_[static_cast<unsigned char>(text[at])];
      if (first == 0) continue;
      const bool is_alone = (first & kAlone) != 0;
      if (is_alone || (at + 1 < text.size() &&
                       (second_bytes_[static_cast<unsigned char>(text[at + 1])] & first) != 0))
        return at;
    }
    return text.size();
  }

  template <class Allowed>
  std::pair<const AddedToken*, std::size_t> longest_at(std::string_view text, std::size_t at,
                                                       const Allowed& allowed) const {
    std::pair<const AddedToken*, std::size_t> best{nullptr, 0};
    std::uint32_t node = 0;
    for (std::size_t i = at; i < text.size(); ++i) {
      node = nodes_[node].behind(static_cast<unsigned char>(text[i]));
      if (node == 0) break;
      const AddedToken* token = nodes_[node].token;
      if (token && allowed(*token, i + 1 - at)) best = {token, i + 1 - at};
    }
    return best;
  }
  static void add_match(std::string_view text, ByteSpan match, const AddedToken& token,
                        std::size_t& done, std::vector<Fragment>& fragments);

  std::vector<Node> nodes_ = std::vector<Node>(1);
  /// Tokens of more bytes share seven groups by their first byte; a second byte has the groups of
  /// the tokens that go on with it.
  static constexpr std::uint8_t kAlone = 128;
  static std::uint8_t group_of(unsigned char first) {
    return static_cast<std::uint8_t>(1U << (first % 7U));
  }
  std::array<std::uint8_t, 256> first_bytes_{};
  std::array<std::uint8_t, 256> second_bytes_{};
};

}  // namespace sqpsych::tokenizers
