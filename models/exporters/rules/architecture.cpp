#include "models/exporters/rules/architecture.h"

namespace sqpsych {
namespace {

using enum GgufSize;
using Rules = std::vector<GgufTensorRule>;

constexpr bool kPerLayer = true;
constexpr bool kGlobal = false;
constexpr bool kRequired = true;
constexpr bool kOptional = false;

Rules joined(std::initializer_list<Rules> parts) {
  Rules all;
  for (const auto& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

Rules embedding() {
  return {{"token_embd.weight", kGlobal, kRequired, {kTokens, kEmbedding}},
          {"output_norm.weight", kGlobal, kRequired, {kEmbedding}}};
}
Rules untied_output() { return {{"output.weight", kGlobal, kOptional, {kTokens, kEmbedding}}}; }
Rules block_norms() {
  return {{"attn_norm.weight", kPerLayer, kRequired, {kEmbedding}},
          {"ffn_norm.weight", kPerLayer, kRequired, {kEmbedding}}};
}
Rules attention() {
  return {{"attn_q.weight", kPerLayer, kRequired, {kQuery, kEmbedding}},
          {"attn_k.weight", kPerLayer, kRequired, {kKey, kEmbedding}},
          {"attn_v.weight", kPerLayer, kRequired, {kValue, kEmbedding}},
          {"attn_q.bias", kPerLayer, kOptional, {kQuery}},
          {"attn_k.bias", kPerLayer, kOptional, {kKey}},
          {"attn_v.bias", kPerLayer, kOptional, {kValue}},
          {"attn_output.weight", kPerLayer, kRequired, {kEmbedding, kOutput}}};
}
Rules gated_feed_forward() {
  return {{"ffn_gate.weight", kPerLayer, kRequired, {kFeedForward, kEmbedding}},
          {"ffn_up.weight", kPerLayer, kRequired, {kFeedForward, kEmbedding}},
          {"ffn_down.weight", kPerLayer, kRequired, {kEmbedding, kFeedForward}}};
}
Rules head_norms() {
  return {{"attn_q_norm.weight", kPerLayer, kRequired, {kHead}},
          {"attn_k_norm.weight", kPerLayer, kRequired, {kHead}}};
}
Rules norms_behind_blocks() {
  return {{"post_attention_norm.weight", kPerLayer, kRequired, {kEmbedding}},
          {"post_ffw_norm.weight", kPerLayer, kRequired, {kEmbedding}}};
}

Rules standard_block() {
  return joined({embedding(), block_norms(), attention(), gated_feed_forward()});
}

GgufArchitecture interleaved_rope() {
  const Rules own = {{"rope_freqs.weight", kGlobal, kOptional, {kHalfRope}},
                     {"attn_output.bias", kPerLayer, kOptional, {kEmbedding}},
                     {"ffn_gate.bias", kPerLayer, kOptional, {kFeedForward}},
                     {"ffn_up.bias", kPerLayer, kOptional, {kFeedForward}},
                     {"ffn_down.bias", kPerLayer, kOptional, {kEmbedding}}};
  return {"llama", joined({standard_block(), untied_output(), own}), true, false};
}

GgufArchitecture fused_projections() {
  const Rules own = {{"rope_factors_long.weight", kGlobal, kOptional, {kHalfRope}},
                     {"rope_factors_short.weight", kGlobal, kOptional, {kHalfRope}},
                     {"attn_qkv.weight", kPerLayer, kRequired, {kQueryKeyValue, kEmbedding}},
                     {"attn_output.weight", kPerLayer, kRequired, {kEmbedding, kOutput}},
                     {"ffn_up.weight", kPerLayer, kRequired, {kTwoFeedForward, kEmbedding}},
                     {"ffn_down.weight", kPerLayer, kRequired, {kEmbedding, kFeedForward}}};
  return {"phi3", joined({embedding(), block_norms(), untied_output(), own}), false, false};
}

}  // namespace

const std::vector<GgufArchitecture>& gguf_architectures() {
  static const std::vector<GgufArchitecture> architectures = {
      interleaved_rope(),
      {"qwen2", joined({standard_block(), untied_output()}), false, true},
      {"qwen3", joined({standard_block(), untied_output(), head_norms()}), false, false},
      {"gemma2", joined({standard_block(), norms_behind_blocks()}), false, false},
      {"gemma3", joined({standard_block(), untied_output(), head_norms(), norms_behind_blocks()}),
       false, false},
      fused_projections(),
  };
  return architectures;
}

const GgufArchitecture* gguf_architecture(const std::string& name) {
  for (const auto& architecture : gguf_architectures())
    if (architecture.name == name) return &architecture;
  return nullptr;
}

std::vector<std::string> gguf_architecture_names() {
  std::vector<std::string> names;
  for (const auto& architecture : gguf_architectures()) names.push_back(architecture.name);
  return names;
}

}  // namespace sqpsych
