#include "models/layers/mixture.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/index_add.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/nonzero.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/topk.h>
#include <ATen/ops/zeros_like.h>

#include "models/kernels/precision.h"
#include "models/kernels/swiglu.h"

namespace sqpsych {

at::Tensor mixture_of_experts(const at::Tensor& x_TE, const at::Tensor& router_XE,
                              const std::vector<Expert>& experts, const MixtureFeatures& features) {
  const auto scores_TX =
      at::softmax(at::linear(x_TE, router_XE).to(wide_type(x_TE.scalar_type())), -1);
  auto [weights_TP, chosen_TP] = at::topk(scores_TX, features.per_token);
  if (features.normalised) weights_TP = weights_TP / weights_TP.sum(-1, true);
  weights_TP = weights_TP.to(x_TE.scalar_type());

  auto sum_TE = at::zeros_like(x_TE);
  for (std::size_t i = 0; i < experts.size(); ++i) {
    const auto& expert = experts[i];
    const auto places_SP = at::nonzero(chosen_TP.eq(static_cast<std::int64_t>(i)));
    // A trained expert that no token chose still needs a gradient: zeros.
    const bool is_trained = at::GradMode::is_enabled() && expert.gate_FE.requires_grad();
    if (places_SP.size(0) == 0 && !is_trained) continue;
    const auto tokens_S = places_SP.select(1, 0);
    const auto input_SE = x_TE.index_select(0, tokens_S);
    const auto hidden_SF =
        swiglu(at::linear(input_SE, expert.gate_FE), at::linear(input_SE, expert.up_FE));
    const auto weight_S1 = weights_TP.index({tokens_S, places_SP.select(1, 1)}).unsqueeze(1);
    sum_TE = at::index_add(sum_TE, 0, tokens_S, at::linear(hidden_SF, expert.down_EF) * weight_S1);
  }
  return sum_TE;
}

}  // namespace sqpsych
