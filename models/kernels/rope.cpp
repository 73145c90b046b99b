#include "models/kernels/rope.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/stack.h>

#include <vector>

#include "models/kernels/precision.h"

namespace sqpsych {
namespace {

struct Pair {
  at::Tensor first, second;
};

/// Rotates in fp32; the results have x's dtype.
Pair rotated(const at::Tensor& first_TNF, const at::Tensor& second_TNF, const at::Tensor& cos_TF,
             const at::Tensor& sin_TF) {
  const auto type = first_TNF.scalar_type();
  const auto cos_T1F = cos_TF.unsqueeze(1);
  const auto sin_T1F = sin_TF.unsqueeze(1);
  const auto first = first_TNF.to(wide_type(type));
  const auto second = second_TNF.to(wide_type(type));
  return {(first * cos_T1F - second * sin_T1F).to(type),
          (second * cos_T1F + first * sin_T1F).to(type)};
}

}  // namespace

at::Tensor rope(const at::Tensor& x_TND, const at::Tensor& cos_TF, const at::Tensor& sin_TF) {
  const auto half = cos_TF.size(1);
  const auto rest = x_TND.size(2) - 2 * half;
  const auto pair = rotated(x_TND.narrow(2, 0, half), x_TND.narrow(2, half, half), cos_TF, sin_TF);
  std::vector<at::Tensor> parts = {pair.first, pair.second};
  if (rest > 0) parts.push_back(x_TND.narrow(2, 2 * half, rest));
  return at::cat(parts, 2);
}

at::Tensor rope_interleaved(const at::Tensor& x_TND, const at::Tensor& cos_TF,
                            const at::Tensor& sin_TF) {
  const auto half = cos_TF.size(1);
  const auto rest = x_TND.size(2) - 2 * half;
  const auto pairs_TNF2 = x_TND.narrow(2, 0, 2 * half).unflatten(2, {half, 2});
  const auto pair = rotated(pairs_TNF2.select(3, 0), pairs_TNF2.select(3, 1), cos_TF, sin_TF);
  const auto turned_TND = at::stack({pair.first, pair.second}, 3).flatten(2);
  return rest > 0 ? at::cat({turned_TND, x_TND.narrow(2, 2 * half, rest)}, 2) : turned_TND;
}

}  // namespace sqpsych
