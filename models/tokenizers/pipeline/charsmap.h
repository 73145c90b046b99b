#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sqpsych::tokenizers {

/// SentencePiece's precompiled_charsmap: a Darts double-array trie from character sequences to
/// places in a block of texts that end with a zero byte (sentencepiece: src/normalizer.cc).
class Charsmap {
 public:
  /// FormatError naming `where` when `bytes` is no such map.
  Charsmap(std::string_view bytes, const std::string& where);
  /// What stands for the text whose shortest mapped beginning `text` has; nothing when none is.
  std::optional<std::string_view> replacement(std::string_view text) const;

 private:
  std::vector<std::uint32_t> units_;
  std::string texts_;
};

}  // namespace sqpsych::tokenizers
