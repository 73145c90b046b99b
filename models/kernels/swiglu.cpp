#include "models/kernels/swiglu.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/silu.h>

namespace sqpsych {

at::Tensor swiglu(const at::Tensor& gate_TF, const at::Tensor& up_TF) {
  return at::silu(gate_TF) * up_TF;
}

}  // namespace sqpsych
