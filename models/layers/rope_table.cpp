#include "models/layers/rope_table.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/outer.h>
#include <ATen/ops/pow.h>
#include <ATen/ops/tensor.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace sqpsych {

namespace {

constexpr auto kFloat32 = at::kFloat;

/// The dimension whose frequency turns `rotations` times over the original context.
double dimension_of_rotations(double rotations, const RopeFeatures& rope,
                              const YarnRopeScaling& scaling) {
  const auto original = static_cast<double>(scaling.original_context_length);
  return static_cast<double>(rope.dims) * std::log(original / (rotations * 2 * std::numbers::pi)) /
         (2 * std::log(rope.base));
}

/// Share of the unscaled frequency per pair: 1 for high frequencies, 0 for low ones.
at::Tensor unscaled_share(const RopeFeatures& rope, const YarnRopeScaling& scaling) {
  auto low = dimension_of_rotations(scaling.beta_fast, rope, scaling);
  auto high = dimension_of_rotations(scaling.beta_slow, rope, scaling);
  if (scaling.truncate) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, static_cast<double>(rope.dims - 1));
  if (low == high) high += 0.001;
  const auto ramp_F = (at::arange(rope.dims / 2, kFloat32) - low) / (high - low);
  return 1 - ramp_F.clamp(0, 1);
}

}  // namespace

std::vector<float> rope_frequency_divisors(const RopeFeatures& rope) {
  const auto* found = rope.scaled_by<WavelengthRopeScaling>();
  if (!rope.frequency_divisors.empty() || !found) return rope.frequency_divisors;
  const auto& scaling = *found;
  const double original = static_cast<double>(scaling.original_context_length);
  std::vector<float> divisors;
  for (std::int64_t i = 0; i < rope.dims / 2; ++i) {
    const double frequency =
        std::pow(rope.base, -2.0 * static_cast<double>(i) / static_cast<double>(rope.dims));
    const double wavelength = 2 * std::numbers::pi / frequency;
    double divisor = 1;
    if (wavelength > original / scaling.low_freq_factor) {
      divisor = scaling.factor;
    } else if (wavelength >= original / scaling.high_freq_factor) {
      const double blend = (original / wavelength - scaling.low_freq_factor) /
                           (scaling.high_freq_factor - scaling.low_freq_factor);
      divisor = 1 / ((1 - blend) / scaling.factor + blend);
    }
    divisors.push_back(static_cast<float>(divisor));
  }
  return divisors;
}

at::Tensor rope_frequencies(const RopeFeatures& rope, std::int64_t length) {
  // fp32 throughout, in this order: the rounding of transformers, which far positions multiply.
  const auto exponents_F = at::arange(0, rope.dims, 2, kFloat32) / rope.dims;
  const auto powers_F = at::pow(rope.base, exponents_F);
  if (!rope.frequency_divisors.empty())
    return powers_F.reciprocal() / at::tensor(rope.frequency_divisors);
  if (const auto* scaling = rope.scaled_by<LongRopeScaling>()) {
    const auto& divisors =
        rope_is_extended(rope, length) ? scaling->long_divisors : scaling->short_divisors;
    return (at::tensor(divisors, kFloat32) * powers_F).reciprocal();
  }
  if (const auto* scaling = rope.scaled_by<YarnRopeScaling>()) {
    const auto share_F = unscaled_share(rope, *scaling);
    return (powers_F * scaling->factor).reciprocal() * (1 - share_F) +
           powers_F.reciprocal() * share_F;
  }
  if (const auto* scaling = rope.scaled_by<LinearRopeScaling>())
    return powers_F.reciprocal() / scaling->factor;
  const auto divisors = rope_frequency_divisors(rope);
  return divisors.empty() ? powers_F.reciprocal() : powers_F.reciprocal() / at::tensor(divisors);
}

double rope_attention_factor(const RopeFeatures& rope) {
  if (const auto* scaling = rope.scaled_by<LongRopeScaling>()) return scaling->attention_factor;
  const auto* scaling = rope.scaled_by<YarnRopeScaling>();
  if (!scaling) return 1;
  if (scaling->attention_factor) return *scaling->attention_factor;
  return scaling->factor > 1 ? 0.1 * std::log(scaling->factor) + 1 : 1;
}

bool rope_is_extended(const RopeFeatures& rope, std::int64_t length) {
  const auto* scaling = rope.scaled_by<LongRopeScaling>();
  return scaling && rope.frequency_divisors.empty() && length > scaling->original_context_length;
}

RopeTable::Angles RopeTable::rows(std::int64_t end) {
  const std::lock_guard lock(mutex_);
  const auto have = table_.cos_TF.defined() ? table_.cos_TF.size(0) : 0;
  if (end > have) {
    // Made as normal tensors even when the first caller runs in inference mode.
    const c10::InferenceMode normal(false);
    const auto rows = std::max({end, 2 * have, std::int64_t{1024}});
    const auto positions = at::arange(rows, frequencies_F_.options());
    const auto angles = at::outer(positions, frequencies_F_);
    table_ = {angles.cos(), angles.sin()};
    if (attention_factor_ != 1)
      table_ = {table_.cos_TF * attention_factor_, table_.sin_TF * attention_factor_};
  }
  return table_;
}

RopeTable::Angles RopeTable::range(std::int64_t begin, std::int64_t count) {
  const auto table = rows(begin + count);
  return {table.cos_TF.narrow(0, begin, count), table.sin_TF.narrow(0, begin, count)};
}

RopeTable::Angles RopeTable::at(const at::Tensor& positions_T, std::int64_t end) {
  const auto table = rows(end);
  return {table.cos_TF.index_select(0, positions_T), table.sin_TF.index_select(0, positions_T)};
}

Rotary::Rotary(const RopeFeatures& rope, at::Device device)
    : rope_(rope),
      short_(rope_frequencies(rope, 0).to(device), rope_attention_factor(rope)),
      long_(rope_frequencies(rope, std::numeric_limits<std::int64_t>::max()).to(device),
            rope_attention_factor(rope)) {}

RopeTable::Angles Rotary::range(std::int64_t begin, std::int64_t count, std::int64_t length) {
  return table(length).range(begin, count);
}

RopeTable::Angles Rotary::packed(const at::Tensor& positions_T,
                                 const std::vector<std::int64_t>& cu_seqlens) {
  std::int64_t longest = 0;
  for (std::size_t i = 1; i < cu_seqlens.size(); ++i)
    longest = std::max(longest, cu_seqlens[i] - cu_seqlens[i - 1]);
  if (!rope_is_extended(rope_, longest)) return short_.at(positions_T, longest);
  std::vector<at::Tensor> cos, sin;
  for (std::size_t i = 1; i < cu_seqlens.size(); ++i) {
    const auto length = cu_seqlens[i] - cu_seqlens[i - 1];
    const auto angles = range(0, length, length);
    cos.push_back(angles.cos_TF);
    sin.push_back(angles.sin_TF);
  }
  return {at::cat(cos), at::cat(sin)};
}

}  // namespace sqpsych
