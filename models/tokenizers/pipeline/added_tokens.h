#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "models/tokenizers/pipeline/large_json.h"
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
AddedToken added_token_from_json(const LargeJson& json, TokenId id, const std::string& where);

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
    for (std::size_t at = 0; at < text.size();) {
      const auto [token, length] =
          longest_at(text, at, [&](const AddedToken& candidate, std::size_t size) {
            return !(candidate.special && blocked(ByteSpan{at, at + size}));
          });
      if (!token) {
        ++at;
        continue;
      }
      add_match(text, {at, at + length}, *token, done, fragments);
      at += length;
    }
    if (done < text.size()) fragments.push_back({{done, text.size()}, nullptr});
    return fragments;
  }
  bool empty() const { return nodes_.size() <= 1; }

 private:
  struct Node {
    std::map<unsigned char, std::uint32_t> next;
    const AddedToken* token = nullptr;
  };

  template <class Allowed>
  std::pair<const AddedToken*, std::size_t> longest_at(std::string_view text, std::size_t at,
                                                       const Allowed& allowed) const {
    std::pair<const AddedToken*, std::size_t> best{nullptr, 0};
    if (empty() || !first_bytes_[static_cast<unsigned char>(text[at])]) return best;
    std::uint32_t node = 0;
    for (std::size_t i = at; i < text.size(); ++i) {
      const auto found = nodes_[node].next.find(static_cast<unsigned char>(text[i]));
      if (found == nodes_[node].next.end()) break;
      node = found->second;
      const AddedToken* token = nodes_[node].token;
      if (token && allowed(*token, i + 1 - at)) best = {token, i + 1 - at};
    }
    return best;
  }
  static void add_match(std::string_view text, ByteSpan match, const AddedToken& token,
                        std::size_t& done, std::vector<Fragment>& fragments);

  std::vector<Node> nodes_ = std::vector<Node>(1);
  std::vector<bool> first_bytes_ = std::vector<bool>(256, false);
};

}  // namespace sqpsych::tokenizers
