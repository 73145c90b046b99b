#pragma once

#include <ATen/core/Tensor.h>

#include <string>

#include "models/weights/adapter_dir.h"

namespace sqpsych {

/// weight_OI + scale * B A, computed in fp32 from the stored weight: the caller rounds once
/// (Hu et al. 2021, arXiv 2106.09685, section 4.1). FormatError names `module` when shapes differ.
at::Tensor merge_low_rank(const at::Tensor& weight_OI, const AdapterFactors& factors,
                          const std::string& module);

/// `model.layers.0.self_attn.q_proj` of `model.layers.0.self_attn.q_proj.weight`.
std::string module_of_weight(const std::string& weight_name);

}  // namespace sqpsych
