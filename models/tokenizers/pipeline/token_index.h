#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "models/tokenized_row.h"

namespace sqpsych::tokenizers {

inline constexpr TokenId kNoToken = -1;

/// Token texts and their ids: a flat hash table over one block of bytes.
class TokenIndex {
 public:
  void reserve(std::size_t count);
  /// False, and nothing changes, when `text` is in already.
  bool insert(std::string_view text, TokenId id);
  /// kNoToken when `text` is not in.
  TokenId find(std::string_view text) const {
    if (slots_.empty() || text.size() > longest_) return kNoToken;
    const std::uint32_t hash = hash_of(text);
    for (std::size_t i = hash & mask_;; i = (i + 1) & mask_) {
      const Slot& slot = slots_[i];
      if (slot.id == kNoToken) return kNoToken;
      if (slot.hash == hash && slot.length == text.size() &&
          std::memcmp(bytes_.data() + slot.offset, text.data(), text.size()) == 0)
        return slot.id;
    }
  }
  bool contains(std::string_view text) const { return find(text) != kNoToken; }
  std::size_t size() const { return count_; }

  template <class Visit>
  void for_each(const Visit& visit) const {
    for (const Slot& slot : slots_)
      if (slot.id != kNoToken)
        visit(std::string_view(bytes_).substr(slot.offset, slot.length), slot.id);
  }

 private:
  struct Slot {
    std::uint32_t hash = 0;
    std::uint32_t offset = 0;
    std::uint32_t length = 0;
    TokenId id = kNoToken;
  };
  static std::uint64_t load(const char* bytes, std::size_t size) {
    std::uint64_t value = 0;
    std::memcpy(&value, bytes, size);
    return value;
  }
  static std::uint32_t hash_of(std::string_view text) {
    constexpr std::uint64_t kFactor = 0x9E3779B97F4A7C15U;
    std::uint64_t hash = text.size() * kFactor;
    std::size_t at = 0;
    for (; at + 8 <= text.size(); at += 8) {
      hash = (hash ^ load(text.data() + at, 8)) * kFactor;
      hash ^= hash >> 29;
    }
    if (at < text.size()) {
      hash = (hash ^ load(text.data() + at, text.size() - at)) * kFactor;
      hash ^= hash >> 29;
    }
    return static_cast<std::uint32_t>((hash * kFactor) >> 32);
  }
  void grow(std::size_t slots);

  std::vector<Slot> slots_;
  std::string bytes_;
  std::size_t mask_ = 0;
  std::size_t count_ = 0;
  std::size_t longest_ = 0;
};

}  // namespace sqpsych::tokenizers
