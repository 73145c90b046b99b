#pragma once

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "core/random.h"
#include "models/layers/decoder.h"

namespace sqpsych::testing {

/// Tensors this small gain nothing from threads and lose much where other programs run.
class OneThread : public ::testing::Environment {
 public:
  void SetUp() override { at::set_num_threads(1); }
};
inline auto* const one_thread = ::testing::AddGlobalTestEnvironment(new OneThread);

/// Grouped heads, partial use of every feature; small enough for finite differences.
inline DecoderFeatures small_features() {
  DecoderFeatures features;
  features.vocabulary_size = 50;
  features.hidden_size = 24;
  features.num_layers = 2;
  features.num_heads = 4;
  features.num_kv_heads = 2;
  features.head_dim = 6;
  features.intermediate_size = 40;
  features.context_length = 64;
  features.rope.dims = 6;
  return features;
}

inline DecoderFeatures biased_untied_features() {
  auto features = small_features();
  features.qkv_bias = features.attention_output_bias = features.mlp_bias = true;
  features.num_kv_heads = 4;
  features.head_dim = features.rope.dims = 8;
  return features;
}

inline DecoderFeatures tied_features() {
  auto features = small_features();
  features.tied_embeddings = true;
  features.num_kv_heads = 1;
  return features;
}

inline std::vector<DecoderFeatures> all_features() {
  return {small_features(), biased_untied_features(), tied_features()};
}

/// Four norms, 1 + weight, head norms, caps, scales, windows with a rotary base of their own.
inline DecoderFeatures capped_features() {
  auto features = tied_features();
  features.norm_kind = NormKind::kRmsPlusOne;
  features.head_norm = HeadNorm::kShared;
  features.activation = Activation::kGeluTanh;
  features.post_norms = true;
  features.embedding_scale = 4.9;
  features.attention_scale = 0.3;
  features.attention_soft_cap = 2;
  features.logit_soft_cap = 3;
  features.rope.scaling = LinearRopeScaling{2};
  features.local_rope = RopeFeatures{100, 6, false, {}, {}};
  features.layers = {{3, RopeChoice::kLocal}, {0, RopeChoice::kGlobal}};
  return features;
}

/// One norm per layer, attention and mlp beside each other, pairs of neighbours rotated in part.
inline DecoderFeatures parallel_features() {
  auto features = tied_features();
  features.norm_kind = NormKind::kLayer;
  features.head_norm = HeadNorm::kPerHead;
  features.parallel_block = true;
  features.logit_scale = 0.4;
  features.rope.interleaved = true;
  features.rope.dims = 4;
  features.layers = {{4, RopeChoice::kGlobal}, {0, RopeChoice::kNone}};
  return features;
}

/// Fused matrices; sequences of more than 4 tokens are rotated otherwise than shorter ones.
inline DecoderFeatures fused_features() {
  auto features = small_features();
  features.fused_qkv = features.fused_gate_up = true;
  features.rope.dims = 4;
  features.rope.scaling = LongRopeScaling{{1, 1.5}, {2, 5}, 4, 1.2};
  return features;
}

inline DecoderFeatures mixture_features() {
  auto features = small_features();
  features.experts = {3, 2, 16, true};
  features.rope.scaling = YarnRopeScaling{4, 2, 0.5, 16, std::nullopt, true};
  return features;
}

/// Every member of DecoderFeatures differs from its default in one of these.
inline std::vector<DecoderFeatures> every_feature() {
  auto features = all_features();
  for (const auto& more :
       {capped_features(), parallel_features(), fused_features(), mixture_features()})
    features.push_back(more);
  return features;
}

/// Normal numbers from a seed.
inline at::Tensor random_tensor(std::vector<std::int64_t> shape, std::uint64_t seed,
                                double deviation = 1) {
  auto tensor = at::empty(shape, at::kDouble);
  RandomStream random(seed);
  auto* value = tensor.mutable_data_ptr<double>();
  for (std::int64_t i = 0; i < tensor.numel(); ++i) value[i] = deviation * random.normal();
  return tensor;
}

/// Weights large enough that every part of the computation matters.
inline std::unique_ptr<Decoder> random_decoder(const DecoderFeatures& features,
                                               at::ScalarType dtype, std::uint64_t seed = 1) {
  auto decoder = std::make_unique<Decoder>(features, dtype, at::kCPU);
  for (const auto& [name, parameter] : decoder->parameters()) {
    auto values = random_tensor(parameter->sizes().vec(), ++seed, 0.3);
    if (name.find("norm") != std::string::npos) values += 1;
    parameter->copy_(values);
  }
  return decoder;
}

/// Puts random factors on every linear layer (or those whose name ends so).
inline void attach_random_adapter(Decoder& decoder, std::int64_t rank, at::ScalarType dtype,
                                  const std::string& suffix = "") {
  std::uint64_t seed = 1000;
  for (const auto& [name, linear] : decoder.linears()) {
    if (!name.ends_with(suffix)) continue;
    const auto out = linear->weight_OI.size(0);
    const auto in = linear->weight_OI.size(1);
    linear->low_rank = LowRank{random_tensor({rank, in}, ++seed, 0.2).to(dtype),
                               random_tensor({out, rank}, ++seed, 0.2).to(dtype), 0.7, 0};
  }
}

inline double max_difference(const at::Tensor& a, const at::Tensor& b) {
  return (a.to(at::kDouble) - b.to(at::kDouble)).abs().max().item<double>();
}

/// Largest difference relative to the largest value.
inline double relative_difference(const at::Tensor& a, const at::Tensor& b) {
  return max_difference(a, b) / b.to(at::kDouble).abs().max().item<double>();
}

}  // namespace sqpsych::testing
