#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "models/layers/features.h"

namespace sqpsych {

/// What keys and values of that many tokens take in all layers.
std::uint64_t cache_bytes(const DecoderFeatures& features, std::int64_t tokens,
                          at::ScalarType dtype);

/// Keys and values of one sequence, all layers; grows up to `capacity` tokens.
class KvCache {
 public:
  KvCache(const DecoderFeatures& features, std::int64_t capacity, at::ScalarType dtype,
          at::Device device);
  std::int64_t length() const { return length_; }
  std::int64_t capacity() const { return capacity_; }
  /// Whether what is stored was rotated for a sequence beyond the original context
  /// (rope_is_extended); sequences on either side of that length share no keys.
  bool is_extended() const { return is_extended_; }
  /// Forgets everything from `length` on (prefix reuse).
  void truncate(std::int64_t length);
  /// Raises the capacity, keeping what is stored. Nothing else ever allocates.
  void reserve(std::int64_t capacity);

  struct Stored {
    at::Tensor keys_KLD, values_KLD;
  };
  /// Stores the next T tokens' keys and values of a layer behind length(), which stays; returns
  /// everything stored with them. k, v [T, K, D].
  Stored append(std::int64_t layer, const at::Tensor& k_TKD, const at::Tensor& v_TKD);

 private:
  friend class Decoder;
  std::int64_t length_ = 0;
  std::int64_t capacity_ = 0;
  bool is_extended_ = false;
  std::vector<at::Tensor> keys_;    ///< per layer [K, capacity, D]
  std::vector<at::Tensor> values_;  ///< per layer [K, capacity, D]
};

}  // namespace sqpsych
