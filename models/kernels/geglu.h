#pragma once

#include <ATen/core/Tensor.h>

namespace sqpsych {

/// gelu(gate) * up, elementwise, gelu by its tanh approximation (Shazeer 2020, arXiv 2002.05202;
/// Hendrycks & Gimpel 2016, arXiv 1606.08415).
at::Tensor geglu(const at::Tensor& gate_TF, const at::Tensor& up_TF);

}  // namespace sqpsych
