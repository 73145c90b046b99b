#pragma once

#include <ATen/core/Tensor.h>

namespace sqpsych {

/// Rotates the first 2*cos.size(1) dimensions of every head by its token's angles, pairing
/// dimension i with i + dims/2 (the "rotate half" layout of Hugging Face checkpoints; Su et al.
/// 2021, arXiv 2104.09864). x [T, N, D]; cos, sin [T, dims/2] fp32. Computed in fp32, rounded once.
at::Tensor rope(const at::Tensor& x_TND, const at::Tensor& cos_TF, const at::Tensor& sin_TF);

/// The same, pairing dimension 2i with 2i + 1 (the layout of the paper).
at::Tensor rope_interleaved(const at::Tensor& x_TND, const at::Tensor& cos_TF,
                            const at::Tensor& sin_TF);

}  // namespace sqpsych
