#include "models/tokenizers/pipeline/charsmap.h"

#include <cstring>

#include "core/error.h"
#include "core/text.h"
#include "models/tokenizers/pipeline/code_points.h"

namespace sqpsych::tokenizers {
namespace {

// The bits of a unit (Darts-clone: include/darts.h).
bool has_leaf(std::uint32_t unit) { return ((unit >> 8) & 1) == 1; }
std::uint32_t value_of(std::uint32_t unit) { return unit & 0x7FFFFFFFU; }
std::uint32_t label_of(std::uint32_t unit) { return unit & 0x800000FFU; }
std::uint32_t offset_of(std::uint32_t unit) { return (unit >> 10) << ((unit & (1U << 9)) >> 6); }

}  // namespace

Charsmap::Charsmap(std::string_view bytes, const std::string& where) {
  std::uint32_t trie_size = 0;
  if (bytes.size() >= sizeof trie_size) std::memcpy(&trie_size, bytes.data(), sizeof trie_size);
  const std::size_t texts_begin = sizeof trie_size + trie_size;
  if (trie_size == 0 || trie_size % sizeof(std::uint32_t) != 0 || texts_begin > bytes.size())
    throw FormatError(
        format("{}: precompiled_charsmap: found {} bytes that begin with a trie of {}, expected a "
               "SentencePiece character map.",
               where, bytes.size(), trie_size));
  units_.resize(trie_size / sizeof(std::uint32_t));
  std::memcpy(units_.data(), bytes.data() + sizeof trie_size, trie_size);
  texts_ = std::string(bytes.substr(texts_begin));
  if (!is_valid_utf8(texts_))
    throw FormatError(format("{}: precompiled_charsmap: found texts that are not UTF-8.", where));
}

std::optional<std::string_view> Charsmap::replacement(std::string_view text) const {
  std::size_t node = offset_of(units_[0]);
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    node ^= byte;
    if (byte == 0 || node >= units_.size() || label_of(units_[node]) != byte) return std::nullopt;
    const bool is_end = has_leaf(units_[node]);
    node ^= offset_of(units_[node]);
    if (!is_end) continue;
    const std::size_t begin = node < units_.size() ? value_of(units_[node]) : texts_.size();
    if (begin >= texts_.size() || is_inside_character(texts_[begin])) return std::nullopt;
    const auto end = texts_.find('\0', begin);
    return std::string_view(texts_).substr(begin, end == std::string::npos ? end : end - begin);
  }
  return std::nullopt;
}

}  // namespace sqpsych::tokenizers
