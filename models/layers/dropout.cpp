#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/where.h>

#include <cmath>

#include "models/layers/linear.h"

namespace sqpsych {
namespace {

// Finaliser of splitmix64 (Steele, Lea & Flood 2014): a bijection that mixes all 64 bits.
constexpr std::uint64_t kMultiplier1 = 0xbf58476d1ce4e5b9;
constexpr std::uint64_t kMultiplier2 = 0x94d049bb133111eb;

inline std::uint64_t mix(std::uint64_t z) {
  z = (z ^ (z >> 30)) * kMultiplier1;
  z = (z ^ (z >> 27)) * kMultiplier2;
  return z ^ (z >> 31);
}

constexpr std::uint64_t kChannelStep = 0x9e3779b97f4a7c15;

std::uint64_t module_key(const DropoutKey& key, std::uint64_t module_id) {
  return mix(mix(mix(key.seed + kChannelStep) ^ static_cast<std::uint64_t>(key.step)) ^ module_id);
}

/// Dropped when 32 random bits are below this.
std::uint64_t drop_threshold(double p) {
  return static_cast<std::uint64_t>(std::llround(p * 4294967296.0));
}

at::Tensor mix(const at::Tensor& z) {
  // Tensors have no unsigned 64-bit shift: shift arithmetically, then clear the copied sign bits.
  const auto shifted = [](const at::Tensor& t, int bits) {
    return t.bitwise_right_shift(bits).bitwise_and((std::int64_t{1} << (64 - bits)) - 1);
  };
  auto mixed = z.bitwise_xor(shifted(z, 30)) * static_cast<std::int64_t>(kMultiplier1);
  mixed = mixed.bitwise_xor(shifted(mixed, 27)) * static_cast<std::int64_t>(kMultiplier2);
  return mixed.bitwise_xor(shifted(mixed, 31));
}

}  // namespace

DropoutKey select_tokens(const DropoutKey& key, const at::Tensor& index_S) {
  return {key.seed, key.step, key.rows_T.index_select(0, index_S),
          key.tokens_T.index_select(0, index_S)};
}

at::Tensor dropout_mask_reference(const DropoutKey& key, std::uint64_t module_id, double p,
                                  std::int64_t width) {
  const auto module = static_cast<std::int64_t>(module_key(key, module_id));
  const auto token_T = mix(mix(key.rows_T.bitwise_xor(module)).bitwise_xor(key.tokens_T));
  const auto step_C = at::arange(1, (width + 1) / 2 + 1, token_T.options()) *
                      static_cast<std::int64_t>(kChannelStep);
  const auto bits_TC = mix(token_T.unsqueeze(1) + step_C);
  const auto halves_TC2 =
      at::stack({bits_TC, bits_TC.bitwise_right_shift(32)}, 2).bitwise_and(0xffffffff);
  const auto dropped_TW =
      halves_TC2.flatten(1).narrow(1, 0, width).lt(static_cast<std::int64_t>(drop_threshold(p)));
  return dropped_TW.logical_not().to(at::kFloat) * static_cast<float>(1 / (1 - p));
}

at::Tensor dropout_mask(const DropoutKey& key, std::uint64_t module_id, double p,
                        std::int64_t width) {
  if (!key.rows_T.is_cpu()) return dropout_mask_reference(key, module_id, p, width);
  const auto rows_T = key.rows_T.contiguous();
  const auto tokens_T = key.tokens_T.contiguous();
  auto mask_TW = at::empty({rows_T.size(0), width}, rows_T.options().dtype(at::kFloat));
  const auto* rows = rows_T.const_data_ptr<std::int64_t>();
  const auto* tokens = tokens_T.const_data_ptr<std::int64_t>();
  auto* out = mask_TW.mutable_data_ptr<float>();
  const auto module = module_key(key, module_id);
  const auto threshold = drop_threshold(p);
  const float kept = static_cast<float>(1 / (1 - p));
  at::parallel_for(0, rows_T.size(0), std::max<std::int64_t>(1, 16384 / width),
                   [&](std::int64_t begin, std::int64_t end) {
                     for (auto t = begin; t < end; ++t) {
                       auto state = mix(mix(static_cast<std::uint64_t>(rows[t]) ^ module) ^
                                        static_cast<std::uint64_t>(tokens[t]));
                       float* row = out + t * width;
                       for (std::int64_t c = 0; c < width; c += 2) {
                         const auto bits = mix(state += kChannelStep);
                         row[c] = (bits & 0xffffffff) < threshold ? 0.0f : kept;
                         if (c + 1 < width) row[c + 1] = (bits >> 32) < threshold ? 0.0f : kept;
                       }
                     }
                   });
  return mask_TW;
}

}  // namespace sqpsych
