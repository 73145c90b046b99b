#pragma once

#include <cstdint>
#include <vector>

#include "models/tokenizers/pipeline/piece_model.h"

namespace sqpsych::tokenizers {

/// Rank and result by pair of ids: a flat hash table.
class MergeTable {
 public:
  static constexpr std::int32_t kNoRank = INT32_MAX;
  struct Merge {
    std::int32_t rank = kNoRank;
    TokenId result = kNoToken;
  };

  /// Of two rules for one pair the later one counts.
  explicit MergeTable(const std::vector<MergeRule>& rules);

  Merge find(TokenId left, TokenId right) const {
    const std::uint64_t key = key_of(left, right);
    for (std::size_t i = place_of(key);; i = (i + 1) & mask_) {
      if (slots_[i].key == key) return slots_[i].merge;
      if (slots_[i].key == kFree) return {};
    }
  }

 private:
  static constexpr std::uint64_t kFree = UINT64_MAX;
  struct Slot {
    std::uint64_t key = kFree;
    Merge merge;
  };
  static std::uint64_t key_of(TokenId left, TokenId right) {
    return (static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32) |
           static_cast<std::uint32_t>(right);
  }
  std::size_t place_of(std::uint64_t key) const {
    const std::uint64_t mixed = (key ^ (key >> 29)) * 0x9E3779B97F4A7C15U;
    return static_cast<std::size_t>(mixed >> 32) & mask_;
  }

  std::vector<Slot> slots_;
  std::size_t mask_ = 0;
};

}  // namespace sqpsych::tokenizers
