#pragma once

#include <ATen/core/Tensor.h>

namespace sqpsych {

/// silu(gate) * up, elementwise (Shazeer 2020, arXiv 2002.05202).
at::Tensor swiglu(const at::Tensor& gate_TF, const at::Tensor& up_TF);

}  // namespace sqpsych
