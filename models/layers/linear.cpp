#include "models/layers/linear.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/linear.h>

namespace sqpsych {

at::Tensor low_rank_inner(const LowRank& low_rank, const at::Tensor& x_TI,
                          const DropoutKey* dropout, std::uint64_t module_id) {
  auto input_TI = x_TI.to(low_rank.a_RI.scalar_type());
  if (dropout && low_rank.dropout > 0) {
    const auto mask_TI = dropout_mask(*dropout, module_id, low_rank.dropout, input_TI.size(-1));
    input_TI = input_TI * mask_TI.to(input_TI.options());
  }
  return at::linear(input_TI, low_rank.a_RI) * low_rank.scale;
}

at::Tensor Linear::forward(const at::Tensor& x_TI, const DropoutKey* dropout) const {
  const auto y_TO =
      at::linear(x_TI, weight_OI, bias_O.defined() ? std::optional(bias_O) : std::nullopt);
  if (!low_rank) return y_TO;
  const auto inner_TR = low_rank_inner(*low_rank, x_TI, dropout, module_id);
  return at::addmm(y_TO.to(inner_TR.scalar_type()), inner_TR, low_rank->b_OR.t())
      .to(y_TO.scalar_type());
}

}  // namespace sqpsych
