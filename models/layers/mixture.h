#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "models/layers/features.h"

namespace sqpsych {

/// One gated unit of a mixture.
struct Expert {
  at::Tensor gate_FE, up_FE, down_EF;
};

/// Every token through its `per_token` best experts, their outputs weighted by the router's softmax
/// over all experts (Jiang et al. 2024, arXiv 2401.04088). x [T, E], router [X, E] -> [T, E].
at::Tensor mixture_of_experts(const at::Tensor& x_TE, const at::Tensor& router_XE,
                              const std::vector<Expert>& experts, const MixtureFeatures& features);

}  // namespace sqpsych
