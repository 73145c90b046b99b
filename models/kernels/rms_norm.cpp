#include "models/kernels/rms_norm.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/mean.h>
#include <ATen/ops/rsqrt.h>

#include "models/kernels/precision.h"

namespace sqpsych {

at::Tensor rms_norm(const at::Tensor& x_TE, const at::Tensor& weight_E, double eps) {
  const auto wide_TE = x_TE.to(wide_type(x_TE.scalar_type()));
  const auto scale_T1 = (wide_TE.square().mean(-1, true) + eps).rsqrt();
  return (wide_TE * scale_T1).to(x_TE.scalar_type()) * weight_E;
}

}  // namespace sqpsych
