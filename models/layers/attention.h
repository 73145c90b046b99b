#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace sqpsych {

/// Causal softmax attention, scale 1/sqrt(D), H query heads sharing K key-value heads in groups.

/// Each sequence [cu_seqlens[i], cu_seqlens[i+1]) for itself. q [T, H, D]; k, v [T, K, D] -> [T,
/// H*D].
at::Tensor packed_attention(const at::Tensor& q_THD, const at::Tensor& k_TKD,
                            const at::Tensor& v_TKD, const std::vector<std::int64_t>& cu_seqlens);

/// The last T tokens of one sequence against all L tokens stored. keys, values [K, L, D] -> [T,
/// H*D].
at::Tensor cached_attention(const at::Tensor& q_THD, const at::Tensor& keys_KLD,
                            const at::Tensor& values_KLD);

}  // namespace sqpsych
