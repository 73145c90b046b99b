#include "models/layers/attention.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/scaled_dot_product_attention.h>

#include <optional>

namespace sqpsych {
namespace {

/// [T, N, D] -> [1, N, T, D], a view.
at::Tensor heads_first(const at::Tensor& x_TND) { return x_TND.transpose(0, 1).unsqueeze(0); }

/// [1, H, T, D] -> [T, H*D]
at::Tensor tokens_first(const at::Tensor& x_1HTD) {
  return x_1HTD.squeeze(0).transpose(0, 1).flatten(1);
}

at::Tensor causal_attention(const at::Tensor& q_THD, const at::Tensor& k_TKD,
                            const at::Tensor& v_TKD) {
  const bool grouped = q_THD.size(1) != k_TKD.size(1);
  return tokens_first(at::scaled_dot_product_attention(heads_first(q_THD), heads_first(k_TKD),
                                                       heads_first(v_TKD), std::nullopt, 0.0,
                                                       q_THD.size(0) > 1, std::nullopt, grouped));
}

}  // namespace

at::Tensor packed_attention(const at::Tensor& q_THD, const at::Tensor& k_TKD,
                            const at::Tensor& v_TKD, const std::vector<std::int64_t>& cu_seqlens) {
  if (cu_seqlens.size() == 2) return causal_attention(q_THD, k_TKD, v_TKD);
  std::vector<std::int64_t> lengths;
  for (std::size_t i = 1; i < cu_seqlens.size(); ++i)
    lengths.push_back(cu_seqlens[i] - cu_seqlens[i - 1]);
  // split, not narrow: its backward is one concatenation instead of one padded sum per sequence.
  const auto q = q_THD.split_with_sizes(lengths);
  const auto k = k_TKD.split_with_sizes(lengths);
  const auto v = v_TKD.split_with_sizes(lengths);
  std::vector<at::Tensor> outputs;
  for (std::size_t i = 0; i < lengths.size(); ++i)
    outputs.push_back(causal_attention(q[i], k[i], v[i]));
  return at::cat(outputs, 0);
}

at::Tensor cached_attention(const at::Tensor& q_THD, const at::Tensor& keys_KLD,
                            const at::Tensor& values_KLD) {
  const auto tokens = q_THD.size(0);
  const auto length = keys_KLD.size(1);
  const bool whole = tokens == length;
  std::optional<at::Tensor> mask_TL;
  if (tokens > 1 && !whole)
    mask_TL = at::ones({tokens, length}, q_THD.options().dtype(at::kBool)).tril_(length - tokens);
  return tokens_first(at::scaled_dot_product_attention(
      heads_first(q_THD), keys_KLD.unsqueeze(0), values_KLD.unsqueeze(0), mask_TL, 0.0,
      tokens > 1 && whole, std::nullopt, q_THD.size(1) != keys_KLD.size(0)));
}

}  // namespace sqpsych
