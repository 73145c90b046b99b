#include "models/layers/kv_cache.h"

#include <ATen/ops/empty.h>
#include <c10/core/ScalarType.h>

#include "core/error.h"

namespace sqpsych {

std::uint64_t cache_bytes(const DecoderFeatures& features, std::int64_t tokens,
                          at::ScalarType dtype) {
  const auto per_token = 2 * features.num_layers * features.num_kv_heads * features.head_dim;
  return static_cast<std::uint64_t>(per_token * tokens) * c10::elementSize(dtype);
}

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

KvCache::Stored KvCache::append(std::int64_t layer, const at::Tensor& k_TKD,
                                const at::Tensor& v_TKD) {
  const auto tokens = k_TKD.size(0);
  const auto place = [&](std::vector<at::Tensor>& side, const at::Tensor& x_TKD) {
    auto& stored_KLD = side[static_cast<std::size_t>(layer)];
    stored_KLD.narrow(1, length_, tokens).copy_(x_TKD.transpose(0, 1));
    return stored_KLD.narrow(1, 0, length_ + tokens);
  };
  return {place(keys_, k_TKD), place(values_, v_TKD)};
}

}  // namespace sqpsych
