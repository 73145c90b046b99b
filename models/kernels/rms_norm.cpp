#include "models/kernels/rms_norm.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/mean.h>
#include <ATen/ops/rsqrt.h>

#include "models/kernels/precision.h"

namespace sqpsych {
namespace {

at::Tensor normalised(const at::Tensor& x_TE, double eps) {
  const auto wide_TE = x_TE.to(wide_type(x_TE.scalar_type()));
  return wide_TE * (wide_TE.square().mean(-1, true) + eps).rsqrt();
}

}  // namespace

at::Tensor rms_norm(const at::Tensor& x_TE, const at::Tensor& weight_E, double eps) {
  return normalised(x_TE, eps).to(x_TE.scalar_type()) * weight_E;
}

at::Tensor rms_norm_plus_one(const at::Tensor& x_TE, const at::Tensor& weight_E, double eps) {
  const auto wide_TE = normalised(x_TE, eps);
  return (wide_TE * (weight_E.to(wide_TE.scalar_type()) + 1)).to(x_TE.scalar_type());
}

}  // namespace sqpsych
