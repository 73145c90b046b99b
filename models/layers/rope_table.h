#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <mutex>
#include <vector>

#include "models/layers/features.h"

namespace sqpsych {

/// What a frequency is divided by, dims/2 values, fp32; empty when nothing scales. The llama3 rule:
/// wavelengths below original/high_freq_factor stay, above original/low_freq_factor are divided by
/// `factor`, and between them 1/f blends linearly (transformers, modeling_rope_utils).
std::vector<float> rope_frequency_divisors(const RopeFeatures& rope);

/// Cosines and sines of position x frequency, fp32. Grows by itself; safe to share.
class RopeTable {
 public:
  RopeTable(const RopeFeatures& rope, at::Device device);

  struct Angles {
    at::Tensor cos_TF;  ///< [T, dims/2]
    at::Tensor sin_TF;
  };
  /// Angles of consecutive positions.
  Angles range(std::int64_t begin, std::int64_t count);
  /// Angles of any positions below `end`.
  Angles at(const at::Tensor& positions_T, std::int64_t end);

 private:
  Angles rows(std::int64_t end);

  at::Tensor frequencies_F_;
  std::mutex mutex_;
  Angles table_;
};

}  // namespace sqpsych
