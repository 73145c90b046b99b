#include "models/kernels/layer_norm.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/mean.h>
#include <ATen/ops/rsqrt.h>

#include "models/kernels/precision.h"

namespace sqpsych {

at::Tensor layer_norm(const at::Tensor& x_TE, const at::Tensor& weight_E, double eps) {
  const auto wide_TE = x_TE.to(wide_type(x_TE.scalar_type()));
  const auto centred_TE = wide_TE - wide_TE.mean(-1, true);
  const auto scale_T1 = (centred_TE.square().mean(-1, true) + eps).rsqrt();
  return (centred_TE * scale_T1 * weight_E.to(wide_TE.scalar_type())).to(x_TE.scalar_type());
}

}  // namespace sqpsych
