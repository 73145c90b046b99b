#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "models/layers/features.h"
#include "models/layers/kv_cache.h"
#include "models/layers/linear.h"
#include "models/layers/mixture.h"
#include "models/layers/rope_table.h"

namespace sqpsych {

/// Weights of one decoder layer. Members that the features do not ask for stay undefined.
struct Block {
  at::Tensor attention_norm_E, post_attention_norm_E, mlp_norm_E, post_mlp_norm_E;
  at::Tensor q_norm, k_norm;  ///< [D], or [H, D] and [K, D]
  Linear qkv, q, k, v, o;
  Linear gate_up, gate, up, down;
  at::Tensor router_XE;
  std::vector<Expert> experts;
};

struct LinearSlot {
  const char* name;  ///< within the layer, e.g. "attention.q"
  Linear Block::*member;
  std::int64_t out, in;
  bool has_bias;
};
/// A block's linear layers, the only ones that take a low-rank side path.
std::vector<LinearSlot> linear_slots(const DecoderFeatures& features);

struct ParameterSlot {
  std::string name;  ///< within the layer, e.g. "attention.q.weight"
  at::Tensor* tensor;
  std::vector<std::int64_t> shape;
};
/// All of a block's parameters in their fixed order; makes room for the experts.
std::vector<ParameterSlot> parameter_slots(Block& block, const DecoderFeatures& features);

/// What one forward pass hands to every block.
struct Pass {
  const std::vector<std::int64_t>& cu_seqlens;
  RopeTable::Angles angles;
  RopeTable::Angles local_angles;  ///< undefined without local_rope
  const DropoutKey* dropout;
  KvCache* cache;
};

/// The layer's output [T, E], residual included.
at::Tensor block_forward(const Block& block, const DecoderFeatures& features, std::int64_t layer,
                         const at::Tensor& x_TE, const Pass& pass);

/// The features' normalisation over the last dimension.
at::Tensor normalise(const DecoderFeatures& features, const at::Tensor& x_TE,
                     const at::Tensor& weight_E);

}  // namespace sqpsych
