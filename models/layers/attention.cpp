#include "models/layers/attention.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <ATen/ops/softmax.h>

#include <algorithm>
#include <limits>
#include <optional>

#include "models/kernels/precision.h"

namespace sqpsych {
namespace {

// Queries that meet their keys at a time where scores are masked: bounds the masks and, with a
// window, the keys that are looked at in vain.
constexpr std::int64_t kQueryBlock = 256;

/// [T, N, D] -> [1, N, T, D], a view.
at::Tensor heads_first(const at::Tensor& x_TND) { return x_TND.transpose(0, 1).unsqueeze(0); }

/// [1, H, T, D] -> [T, H*D]
at::Tensor tokens_first(const at::Tensor& x_1HTD) {
  return x_1HTD.squeeze(0).transpose(0, 1).flatten(1);
}

at::Tensor plain_scores(const at::Tensor& q_1HTD, const at::Tensor& k_1KLD,
                        const at::Tensor& v_1KLD, const std::optional<at::Tensor>& mask_TL,
                        const AttentionSettings& settings) {
  const bool causal = !mask_TL && q_1HTD.size(2) > 1;
  return at::scaled_dot_product_attention(q_1HTD, k_1KLD, v_1KLD, mask_TL, 0.0, causal,
                                          settings.scale, q_1HTD.size(1) != k_1KLD.size(1));
}

/// Soft-capped scores exist as a whole, in fp32.
at::Tensor capped_scores(const at::Tensor& q_1HTD, const at::Tensor& k_1KLD,
                         const at::Tensor& v_1KLD, const at::Tensor& mask_TL,
                         const AttentionSettings& settings) {
  const auto groups = q_1HTD.size(1) / k_1KLD.size(1);
  const auto q_KGTD = q_1HTD.squeeze(0).unflatten(0, {k_1KLD.size(1), groups});
  const auto keys_K1DL = k_1KLD.squeeze(0).unsqueeze(1).transpose(2, 3);
  auto scores_KGTL = at::matmul(q_KGTD, keys_K1DL).to(wide_type(q_1HTD.scalar_type()));
  scores_KGTL = (scores_KGTL * (settings.scale / settings.soft_cap)).tanh() * settings.soft_cap;
  scores_KGTL =
      scores_KGTL.masked_fill(mask_TL.logical_not(), -std::numeric_limits<double>::infinity());
  const auto weights_KGTL = at::softmax(scores_KGTL, -1).to(q_1HTD.scalar_type());
  return at::matmul(weights_KGTL, v_1KLD.squeeze(0).unsqueeze(1)).flatten(0, 1).unsqueeze(0);
}

/// Which of `length` keys starting at position `first_key` each query of [begin, end) sees.
at::Tensor visible(std::int64_t begin, std::int64_t end, std::int64_t first_key,
                   std::int64_t length, std::int64_t window, const at::Device& device) {
  const auto options = at::TensorOptions(at::kLong).device(device);
  const auto query_T1 = at::arange(begin, end, options).unsqueeze(1);
  const auto key_L = at::arange(first_key, first_key + length, options);
  const auto causal_TL = key_L.le(query_T1);
  return window > 0 ? causal_TL.logical_and(key_L.gt(query_T1 - window)) : causal_TL;
}

/// The last T positions of a sequence of L against all of it. q [1, H, T, D]; k, v [1, K, L, D].
at::Tensor attend(const at::Tensor& q_1HTD, const at::Tensor& k_1KLD, const at::Tensor& v_1KLD,
                  const AttentionSettings& settings) {
  const auto tokens = q_1HTD.size(2);
  const auto past = k_1KLD.size(2) - tokens;
  const bool windowed = settings.window > 0 && k_1KLD.size(2) > settings.window;
  if (!windowed && settings.soft_cap == 0) {
    std::optional<at::Tensor> mask_TL;
    if (tokens > 1 && past > 0)
      mask_TL = at::ones({tokens, past + tokens}, q_1HTD.options().dtype(at::kBool)).tril_(past);
    return plain_scores(q_1HTD, k_1KLD, v_1KLD, mask_TL, settings);
  }
  std::vector<at::Tensor> blocks;
  for (std::int64_t begin = 0; begin < tokens; begin += kQueryBlock) {
    const auto end = std::min(begin + kQueryBlock, tokens);
    const auto first_key =
        windowed ? std::max<std::int64_t>(0, past + begin - settings.window + 1) : 0;
    const auto length = past + end - first_key;
    const auto mask_TL = visible(past + begin, past + end, first_key, length,
                                 windowed ? settings.window : 0, q_1HTD.device());
    const auto q = q_1HTD.narrow(2, begin, end - begin);
    const auto k = k_1KLD.narrow(2, first_key, length);
    const auto v = v_1KLD.narrow(2, first_key, length);
    blocks.push_back(settings.soft_cap == 0 ? plain_scores(q, k, v, mask_TL, settings)
                                            : capped_scores(q, k, v, mask_TL, settings));
  }
  return blocks.size() == 1 ? blocks[0] : at::cat(blocks, 2);
}

}  // namespace

at::Tensor packed_attention(const at::Tensor& q_THD, const at::Tensor& k_TKD,
                            const at::Tensor& v_TKD, const std::vector<std::int64_t>& cu_seqlens,
                            const AttentionSettings& settings) {
  const auto sequence = [&](const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) {
    return tokens_first(attend(heads_first(q), heads_first(k), heads_first(v), settings));
  };
  if (cu_seqlens.size() == 2) return sequence(q_THD, k_TKD, v_TKD);
  std::vector<std::int64_t> lengths;
  for (std::size_t i = 1; i < cu_seqlens.size(); ++i)
    lengths.push_back(cu_seqlens[i] - cu_seqlens[i - 1]);
  // split, not narrow: its backward is one concatenation instead of one padded sum per sequence.
  const auto q = q_THD.split_with_sizes(lengths);
  const auto k = k_TKD.split_with_sizes(lengths);
  const auto v = v_TKD.split_with_sizes(lengths);
  std::vector<at::Tensor> outputs;
  for (std::size_t i = 0; i < lengths.size(); ++i) outputs.push_back(sequence(q[i], k[i], v[i]));
  return at::cat(outputs, 0);
}

at::Tensor cached_attention(const at::Tensor& q_THD, const at::Tensor& keys_KLD,
                            const at::Tensor& values_KLD, const AttentionSettings& settings) {
  return tokens_first(
      attend(heads_first(q_THD), keys_KLD.unsqueeze(0), values_KLD.unsqueeze(0), settings));
}

}  // namespace sqpsych
