#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <mutex>
#include <vector>

#include "models/layers/features.h"

namespace sqpsych {

/// What a frequency is divided by, dims/2 values, fp32; empty when no file gives them and the
/// scaling is not by wavelength. The llama3 rule: wavelengths below original/high_freq_factor stay,
/// above original/low_freq_factor are divided by `factor`, and between them 1/f blends linearly
/// (transformers, modeling_rope_utils).
std::vector<float> rope_frequency_divisors(const RopeFeatures& rope);

/// Angle per position of each rotated pair, fp32 [dims/2], in transformers' order of operations
/// (modeling_rope_utils). `length` of the sequence matters to LongRopeScaling alone.
at::Tensor rope_frequencies(const RopeFeatures& rope, std::int64_t length);

/// What cosines and sines are multiplied with, so that scores grow by its square (YaRN, LongRoPE).
double rope_attention_factor(const RopeFeatures& rope);

/// Whether a sequence of this length is rotated by other frequencies than a short one.
bool rope_is_extended(const RopeFeatures& rope, std::int64_t length);

/// Cosines and sines of position x frequency, fp32. Grows by itself; safe to share.
class RopeTable {
 public:
  RopeTable(const at::Tensor& frequencies_F, double attention_factor)
      : frequencies_F_(frequencies_F), attention_factor_(attention_factor) {}

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
  double attention_factor_;
  std::mutex mutex_;
  Angles table_;
};

/// The angles of one kind of layer, for sequences of any length.
class Rotary {
 public:
  Rotary(const RopeFeatures& rope, at::Device device);
  bool is_interleaved() const { return rope_.interleaved; }
  /// `count` positions from `begin` of a sequence that is `length` long as a whole.
  RopeTable::Angles range(std::int64_t begin, std::int64_t count, std::int64_t length);
  /// Whole sequences end to end.
  RopeTable::Angles packed(const at::Tensor& positions_T,
                           const std::vector<std::int64_t>& cu_seqlens);

 private:
  RopeTable& table(std::int64_t length) { return rope_is_extended(rope_, length) ? long_ : short_; }
  RopeFeatures rope_;
  RopeTable short_, long_;
};

}  // namespace sqpsych
