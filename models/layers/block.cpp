#include "models/layers/block.h"

#include <ATen/TensorOperators.h>

#include <cmath>

#include "core/text.h"
#include "models/kernels/geglu.h"
#include "models/kernels/layer_norm.h"
#include "models/kernels/rms_norm.h"
#include "models/kernels/rope.h"
#include "models/kernels/swiglu.h"
#include "models/layers/attention.h"

namespace sqpsych {
namespace {

struct Heads {
  at::Tensor q_THD, k_TKD, v_TKD;
};

Heads project(const Block& block, const DecoderFeatures& f, const at::Tensor& x_TE,
              const Pass& pass) {
  const auto heads = [&](const at::Tensor& x, std::int64_t count) {
    return x.reshape({x.size(0), count, f.head_dim});
  };
  if (!f.fused_qkv)
    return {heads(block.q.forward(x_TE, pass.dropout), f.num_heads),
            heads(block.k.forward(x_TE, pass.dropout), f.num_kv_heads),
            heads(block.v.forward(x_TE, pass.dropout), f.num_kv_heads)};
  const auto key_width = f.num_kv_heads * f.head_dim;
  const auto parts = block.qkv.forward(x_TE, pass.dropout)
                         .split_with_sizes({f.num_heads * f.head_dim, key_width, key_width}, 1);
  return {heads(parts[0], f.num_heads), heads(parts[1], f.num_kv_heads),
          heads(parts[2], f.num_kv_heads)};
}

at::Tensor rotate(const RopeFeatures& rope, const RopeTable::Angles& angles,
                  const at::Tensor& x_TND) {
  return rope.interleaved ? rope_interleaved(x_TND, angles.cos_TF, angles.sin_TF)
                          : sqpsych::rope(x_TND, angles.cos_TF, angles.sin_TF);
}

at::Tensor attention(const Block& block, const DecoderFeatures& f, std::int64_t layer,
                     const at::Tensor& x_TE, const Pass& pass) {
  auto [q_THD, k_TKD, v_TKD] = project(block, f, x_TE, pass);
  if (f.head_norm != HeadNorm::kNone) {
    q_THD = normalise(f, q_THD, block.q_norm);
    k_TKD = normalise(f, k_TKD, block.k_norm);
  }
  const auto own = f.layer(layer);
  if (own.rope != RopeChoice::kNone) {
    const bool is_local = own.rope == RopeChoice::kLocal;
    const auto& rope = is_local ? *f.local_rope : f.rope;
    const auto& angles = is_local ? pass.local_angles : pass.angles;
    q_THD = rotate(rope, angles, q_THD);
    k_TKD = rotate(rope, angles, k_TKD);
  }
  const AttentionSettings settings{
      f.attention_scale > 0 ? f.attention_scale : 1 / std::sqrt(static_cast<double>(f.head_dim)),
      f.attention_soft_cap, own.window};
  if (!pass.cache)
    return block.o.forward(packed_attention(q_THD, k_TKD, v_TKD, pass.cu_seqlens, settings),
                           pass.dropout);
  const auto stored = pass.cache->append(layer, k_TKD, v_TKD);
  return block.o.forward(cached_attention(q_THD, stored.keys_KLD, stored.values_KLD, settings),
                         pass.dropout);
}

at::Tensor feed_forward(const Block& block, const DecoderFeatures& f, const at::Tensor& x_TE,
                        const Pass& pass) {
  if (f.experts.count > 0)
    return mixture_of_experts(x_TE, block.router_XE, block.experts, f.experts);
  const auto unit = [&](const at::Tensor& gate_TF, const at::Tensor& up_TF) {
    const auto hidden_TF =
        f.activation == Activation::kSilu ? swiglu(gate_TF, up_TF) : geglu(gate_TF, up_TF);
    return block.down.forward(hidden_TF, pass.dropout);
  };
  if (!f.fused_gate_up)
    return unit(block.gate.forward(x_TE, pass.dropout), block.up.forward(x_TE, pass.dropout));
  const auto halves = block.gate_up.forward(x_TE, pass.dropout).chunk(2, 1);
  return unit(halves[0], halves[1]);
}

void add_expert_slots(Block& block, const DecoderFeatures& f, std::vector<ParameterSlot>& slots) {
  const auto& mixture = f.experts;
  slots.push_back({"mlp.router.weight", &block.router_XE, {mixture.count, f.hidden_size}});
  block.experts.resize(static_cast<std::size_t>(mixture.count));
  for (std::size_t i = 0; i < block.experts.size(); ++i) {
    auto& expert = block.experts[i];
    const auto prefix = format("mlp.experts.{}.", i);
    slots.push_back(
        {prefix + "gate.weight", &expert.gate_FE, {mixture.intermediate_size, f.hidden_size}});
    slots.push_back(
        {prefix + "up.weight", &expert.up_FE, {mixture.intermediate_size, f.hidden_size}});
    slots.push_back(
        {prefix + "down.weight", &expert.down_EF, {f.hidden_size, mixture.intermediate_size}});
  }
}

}  // namespace

at::Tensor normalise(const DecoderFeatures& features, const at::Tensor& x_TE,
                     const at::Tensor& weight_E) {
  switch (features.norm_kind) {
    case NormKind::kRms:
      return rms_norm(x_TE, weight_E, features.norm_eps);
    case NormKind::kRmsPlusOne:
      return rms_norm_plus_one(x_TE, weight_E, features.norm_eps);
    case NormKind::kLayer:
      break;
  }
  return layer_norm(x_TE, weight_E, features.norm_eps);
}

std::vector<LinearSlot> linear_slots(const DecoderFeatures& f) {
  const auto query_width = f.num_heads * f.head_dim;
  const auto key_width = f.num_kv_heads * f.head_dim;
  std::vector<LinearSlot> slots;
  if (f.fused_qkv)
    slots.push_back(
        {"attention.qkv", &Block::qkv, query_width + 2 * key_width, f.hidden_size, f.qkv_bias});
  else
    slots = {{"attention.q", &Block::q, query_width, f.hidden_size, f.qkv_bias},
             {"attention.k", &Block::k, key_width, f.hidden_size, f.qkv_bias},
             {"attention.v", &Block::v, key_width, f.hidden_size, f.qkv_bias}};
  slots.push_back({"attention.o", &Block::o, f.hidden_size, query_width, f.attention_output_bias});
  if (f.experts.count > 0) return slots;
  if (f.fused_gate_up) {
    slots.push_back(
        {"mlp.gate_up", &Block::gate_up, 2 * f.intermediate_size, f.hidden_size, f.mlp_bias});
  } else {
    slots.push_back({"mlp.gate", &Block::gate, f.intermediate_size, f.hidden_size, f.mlp_bias});
    slots.push_back({"mlp.up", &Block::up, f.intermediate_size, f.hidden_size, f.mlp_bias});
  }
  slots.push_back({"mlp.down", &Block::down, f.hidden_size, f.intermediate_size, f.mlp_bias});
  return slots;
}

std::vector<ParameterSlot> parameter_slots(Block& block, const DecoderFeatures& f) {
  const std::vector<std::int64_t> hidden = {f.hidden_size};
  std::vector<ParameterSlot> slots = {{"attention_norm.weight", &block.attention_norm_E, hidden}};
  if (f.post_norms)
    slots.push_back({"post_attention_norm.weight", &block.post_attention_norm_E, hidden});
  if (!f.parallel_block) slots.push_back({"mlp_norm.weight", &block.mlp_norm_E, hidden});
  if (f.post_norms) slots.push_back({"post_mlp_norm.weight", &block.post_mlp_norm_E, hidden});
  if (f.head_norm != HeadNorm::kNone) {
    const auto shape = [&](std::int64_t heads) {
      return f.head_norm == HeadNorm::kShared ? std::vector<std::int64_t>{f.head_dim}
                                              : std::vector<std::int64_t>{heads, f.head_dim};
    };
    slots.push_back({"attention.q_norm.weight", &block.q_norm, shape(f.num_heads)});
    slots.push_back({"attention.k_norm.weight", &block.k_norm, shape(f.num_kv_heads)});
  }
  for (const auto& slot : linear_slots(f)) {
    auto& linear = block.*slot.member;
    slots.push_back({std::string(slot.name) + ".weight", &linear.weight_OI, {slot.out, slot.in}});
    if (slot.has_bias)
      slots.push_back({std::string(slot.name) + ".bias", &linear.bias_O, {slot.out}});
  }
  if (f.experts.count > 0) add_expert_slots(block, f, slots);
  return slots;
}

at::Tensor block_forward(const Block& block, const DecoderFeatures& features, std::int64_t layer,
                         const at::Tensor& x_TE, const Pass& pass) {
  const auto input_TE = normalise(features, x_TE, block.attention_norm_E);
  auto attended_TE = attention(block, features, layer, input_TE, pass);
  if (features.parallel_block)
    return x_TE + attended_TE + feed_forward(block, features, input_TE, pass);
  if (features.post_norms)
    attended_TE = normalise(features, attended_TE, block.post_attention_norm_E);
  const auto middle_TE = x_TE + attended_TE;
  auto fed_TE =
      feed_forward(block, features, normalise(features, middle_TE, block.mlp_norm_E), pass);
  if (features.post_norms) fed_TE = normalise(features, fed_TE, block.post_mlp_norm_E);
  return middle_TE + fed_TE;
}

}  // namespace sqpsych
