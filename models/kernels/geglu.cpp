#include "models/kernels/geglu.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/gelu.h>

namespace sqpsych {

at::Tensor geglu(const at::Tensor& gate_TF, const at::Tensor& up_TF) {
  return at::gelu(gate_TF, "tanh") * up_TF;
}

}  // namespace sqpsych
