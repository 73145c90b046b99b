#pragma once

#include <ATen/core/Tensor.h>

namespace sqpsych {

/// (x - mean) / sqrt(variance + eps) * weight over the last dimension, without bias (Ba et al.
/// 2016, arXiv 1607.06450). Everything in fp32 (fp64 for fp64), rounded once. The weight may have
/// further leading dimensions (one row per head).
at::Tensor layer_norm(const at::Tensor& x_TE, const at::Tensor& weight_E, double eps);

}  // namespace sqpsych
