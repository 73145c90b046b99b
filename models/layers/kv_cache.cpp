#include <ATen/ops/empty.h>

#include "core/error.h"
#include "models/layers/decoder.h"

namespace sqpsych {

KvCache::KvCache(const DecoderFeatures& features, std::int64_t capacity, at::ScalarType dtype,
                 at::Device device)
    : capacity_(capacity) {
  const auto options = at::TensorOptions(dtype).device(device);
  for (std::int64_t i = 0; i < features.num_layers; ++i) {
    keys_.push_back(at::empty({features.num_kv_heads, capacity, features.head_dim}, options));
    values_.push_back(at::empty({features.num_kv_heads, capacity, features.head_dim}, options));
  }
}

void KvCache::truncate(std::int64_t length) {
  SQPSYCH_CHECK(length >= 0 && length <= length_);
  length_ = length;
}

void KvCache::reserve(std::int64_t capacity) {
  if (capacity <= capacity_) return;
  for (auto* side : {&keys_, &values_})
    for (auto& stored_KLD : *side) {
      auto larger =
          at::empty({stored_KLD.size(0), capacity, stored_KLD.size(2)}, stored_KLD.options());
      larger.narrow(1, 0, length_).copy_(stored_KLD.narrow(1, 0, length_));
      stored_KLD = larger;
    }
  capacity_ = capacity;
}

}  // namespace sqpsych
