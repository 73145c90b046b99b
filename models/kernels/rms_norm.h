#pragma once

#include <ATen/core/Tensor.h>

namespace sqpsych {

/// x / sqrt(mean(x^2) + eps) * weight over the last dimension (Zhang & Sennrich 2019,
/// arXiv 1910.07467). Statistics and scaling in fp32 (fp64 for fp64), then rounded to x's dtype and
/// multiplied by the weight, as the Hugging Face models do. The weight may have further leading
/// dimensions (one row per head).
at::Tensor rms_norm(const at::Tensor& x_TE, const at::Tensor& weight_E, double eps);

/// The same with 1 + weight, multiplied in fp32 before the one rounding.
at::Tensor rms_norm_plus_one(const at::Tensor& x_TE, const at::Tensor& weight_E, double eps);

}  // namespace sqpsych
