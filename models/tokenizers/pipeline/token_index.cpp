#include "models/tokenizers/pipeline/token_index.h"

#include <algorithm>
#include <bit>

#include "core/error.h"

namespace sqpsych::tokenizers {

void TokenIndex::reserve(std::size_t count) {
  if (count * 2 > slots_.size()) grow(count * 2);
}

bool TokenIndex::insert(std::string_view text, TokenId id) {
  if (contains(text)) return false;
  if (bytes_.size() + text.size() > UINT32_MAX)
    throw FormatError("tokenizer: vocabulary: found more than 4 GiB of token texts.");
  if ((count_ + 1) * 2 > slots_.size()) grow((count_ + 1) * 4);
  const std::uint32_t hash = hash_of(text);
  std::size_t i = hash & mask_;
  while (slots_[i].id != kNoToken) i = (i + 1) & mask_;
  slots_[i] = {hash, static_cast<std::uint32_t>(bytes_.size()),
               static_cast<std::uint32_t>(text.size()), id};
  bytes_.append(text);
  longest_ = std::max(longest_, text.size());
  ++count_;
  return true;
}

void TokenIndex::grow(std::size_t slots) {
  std::vector<Slot> old(std::bit_ceil(std::max<std::size_t>(slots, 16)));
  old.swap(slots_);
  mask_ = slots_.size() - 1;
  for (const Slot& slot : old) {
    if (slot.id == kNoToken) continue;
    std::size_t i = slot.hash & mask_;
    while (slots_[i].id != kNoToken) i = (i + 1) & mask_;
    slots_[i] = slot;
  }
}

}  // namespace sqpsych::tokenizers
