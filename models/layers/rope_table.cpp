#include "models/layers/rope_table.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/outer.h>
#include <ATen/ops/pow.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace sqpsych {

std::vector<float> rope_frequency_divisors(const RopeFeatures& rope) {
  if (!rope.frequency_divisors.empty() || !rope.wavelength_scaling) return rope.frequency_divisors;
  const auto& scaling = *rope.wavelength_scaling;
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

RopeTable::RopeTable(const RopeFeatures& rope, at::Device device) {
  // fp32 throughout, in this order: the rounding of transformers, which far positions multiply.
  const auto exponents_F = at::arange(0, rope.dims, 2, at::TensorOptions(at::kFloat)) / rope.dims;
  frequencies_F_ = at::pow(rope.base, exponents_F).reciprocal();
  auto divisors = rope_frequency_divisors(rope);
  if (!divisors.empty())
    frequencies_F_ =
        frequencies_F_ /
        at::from_blob(divisors.data(), {static_cast<std::int64_t>(divisors.size())}, at::kFloat);
  frequencies_F_ = frequencies_F_.to(device);
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

}  // namespace sqpsych
