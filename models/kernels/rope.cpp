#include "models/kernels/rope.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>

#include <vector>

#include "models/kernels/precision.h"

namespace sqpsych {

at::Tensor rope(const at::Tensor& x_TND, const at::Tensor& cos_TF, const at::Tensor& sin_TF) {
  const auto type = x_TND.scalar_type();
  const auto half = cos_TF.size(1);
  const auto rotated = 2 * half;
  const auto rest = x_TND.size(2) - rotated;
  const auto cos_T1F = cos_TF.unsqueeze(1);
  const auto sin_T1F = sin_TF.unsqueeze(1);
  const auto first = x_TND.narrow(2, 0, half).to(wide_type(type));
  const auto second = x_TND.narrow(2, half, half).to(wide_type(type));
  std::vector<at::Tensor> parts = {(first * cos_T1F - second * sin_T1F).to(type),
                                   (second * cos_T1F + first * sin_T1F).to(type)};
  if (rest > 0) parts.push_back(x_TND.narrow(2, rotated, rest));
  return at::cat(parts, 2);
}

}  // namespace sqpsych
