#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace sqpsych {

/// Causal softmax attention, H query heads sharing K key-value heads in groups.
struct AttentionSettings {
  double scale = 1;         ///< of the scores
  double soft_cap = 0;      ///< c: scores become c tanh(score/c); 0: none
  std::int64_t window = 0;  ///< a token sees itself and the window-1 before it; 0: all before it
};

/// Each sequence [cu_seqlens[i], cu_seqlens[i+1]) for itself. q [T, H, D]; k, v [T, K, D] -> [T,
/// H*D].
at::Tensor packed_attention(const at::Tensor& q_THD, const at::Tensor& k_TKD,
                            const at::Tensor& v_TKD, const std::vector<std::int64_t>& cu_seqlens,
                            const AttentionSettings& settings);

/// The last T tokens of one sequence against all L tokens stored. keys, values [K, L, D] -> [T,
/// H*D].
at::Tensor cached_attention(const at::Tensor& q_THD, const at::Tensor& keys_KLD,
                            const at::Tensor& values_KLD, const AttentionSettings& settings);

}  // namespace sqpsych
