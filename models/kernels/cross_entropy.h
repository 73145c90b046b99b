#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace sqpsych {

class Decoder;
struct DropoutKey;

/// Sum over the rows of hidden_SE of -log softmax(logits)[target], where
/// logits = shape(hidden weight^T (+ inner inner_weight^T, a low-rank side path; both undefined if
/// none)).
/// A scalar in fp32 (fp64 for fp64), accumulated in fp64. Works through chunks of rows, so that
/// [S, V] logits never exist as a whole; gradients are made chunk by chunk in the forward pass
/// (as Liger-Kernel's fused linear cross-entropy does). No second derivatives.
struct LogitShape {
  double scale = 1;
  double soft_cap = 0;  ///< c: scaled logits become c tanh(logit/c); 0: none
};
struct HeadInputs {
  at::Tensor hidden_SE;
  at::Tensor weight_VE;
  at::Tensor inner_SR;
  at::Tensor inner_weight_VR;
  LogitShape shape = {};
};
at::Tensor linear_cross_entropy_sum(const HeadInputs& inputs, const at::Tensor& targets_S);

/// Rows whose logits exist at one time.
std::int64_t cross_entropy_chunk_rows(std::int64_t vocabulary_size);

/// The same from whole logits: the reference.
at::Tensor linear_cross_entropy_sum_reference(const HeadInputs& inputs,
                                              const at::Tensor& targets_S);

/// Summed loss of a decoder's hidden states [T, E] over the supervised tokens. targets_T int64:
/// the id that follows token t, or -1 where nothing is supervised. Only supervised rows meet the
/// head. Zero (with a graph) when nothing is supervised.
at::Tensor supervised_cross_entropy_sum(const Decoder& decoder, const at::Tensor& hidden_TE,
                                        const at::Tensor& targets_T,
                                        const DropoutKey* dropout = nullptr);

}  // namespace sqpsych
