#include "models/exporters/rules/architecture.h"

#include <algorithm>

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
Rules attention_tensors() {
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
  return joined({embedding(), block_norms(), attention_tensors(), gated_feed_forward()});
}

/// Optional biases of the rules above.
Rules further_biases() {
  return {{"attn_output.bias", kPerLayer, kOptional, {kEmbedding}},
          {"ffn_gate.bias", kPerLayer, kOptional, {kFeedForward}, GgufExpertRule::kDense},
          {"ffn_up.bias", kPerLayer, kOptional, {kFeedForward}, GgufExpertRule::kDense},
          {"ffn_down.bias", kPerLayer, kOptional, {kEmbedding}, GgufExpertRule::kDense}};
}
Rules routed_experts() {
  const auto mixture = GgufExpertRule::kMixture;
  return {{"ffn_gate_inp.weight", kPerLayer, kRequired, {kExperts, kEmbedding}, mixture},
          {"ffn_gate_exps.weight",
           kPerLayer,
           kRequired,
           {kExperts, kExpertFeedForward, kEmbedding},
           mixture},
          {"ffn_up_exps.weight",
           kPerLayer,
           kRequired,
           {kExperts, kExpertFeedForward, kEmbedding},
           mixture},
          {"ffn_down_exps.weight",
           kPerLayer,
           kRequired,
           {kExperts, kEmbedding, kExpertFeedForward},
           mixture}};
}
Rules only_dense(Rules rules) {
  for (auto& rule : rules) rule.experts = GgufExpertRule::kDense;
  return rules;
}

GgufArchitecture interleaved_rope() {
  const Rules own = {{"rope_freqs.weight", kGlobal, kOptional, {kHalfRope}}};
  return {.name = "llama",
          .tensors = joined({embedding(), block_norms(), attention_tensors(),
                             only_dense(gated_feed_forward()), routed_experts(), untied_output(),
                             further_biases(), own}),
          .rotates_whole_head = true,
          .experts = GgufExpertRule::kAlways};
}

GgufArchitecture partly_unrotated() {
  return {.name = "smollm3",
          .tensors = joined({standard_block(), untied_output()}),
          .rotates_whole_head = true};
}

GgufArchitecture experts_with_head_norms() {
  return {.name = "qwen3moe",
          .tensors = joined({embedding(), block_norms(), attention_tensors(), head_norms(),
                             routed_experts(), untied_output()}),
          .rotates_whole_head = true,
          .experts = GgufExpertRule::kMixture};
}

/// Attention and feed-forward read one norm; the output matrix is the embedding.
Rules parallel_block() {
  const Rules norm = {{"attn_norm.weight", kPerLayer, kRequired, {kEmbedding}}};
  return joined({embedding(), norm, attention_tensors(), gated_feed_forward()});
}

GgufArchitecture parallel_blocks() {
  // The large model of the family is told by its depth.
  const auto either = GgufExpertRule::kAlways;
  const Rules own = {{"attn_q_norm.weight", kPerLayer, kRequired, {kHeads, kHead}, either, 64},
                     {"attn_k_norm.weight", kPerLayer, kRequired, {kKeyHeads, kHead}, either, 64}};
  return {.name = "command-r",
          .tensors = joined({parallel_block(), own}),
          .derives_head_size = true,
          .uses_layer_norm = true,
          .needs_logit_scale = true};
}

GgufArchitecture parallel_blocks_with_windows() {
  return {.name = "cohere2",
          .tensors = parallel_block(),
          .derives_head_size = true,
          .uses_layer_norm = true,
          .needs_logit_scale = true,
          .needs_window = true};
}

GgufArchitecture fused_projections() {
  const Rules own = {{"rope_factors_long.weight", kGlobal, kOptional, {kHalfRope}},
                     {"rope_factors_short.weight", kGlobal, kOptional, {kHalfRope}},
                     {"attn_qkv.weight", kPerLayer, kRequired, {kQueryKeyValue, kEmbedding}},
                     {"attn_output.weight", kPerLayer, kRequired, {kEmbedding, kOutput}},
                     {"ffn_up.weight", kPerLayer, kRequired, {kTwoFeedForward, kEmbedding}},
                     {"ffn_down.weight", kPerLayer, kRequired, {kEmbedding, kFeedForward}}};
  return {.name = "phi3",
          .tensors = joined({embedding(), block_norms(), untied_output(), own}),
          .derives_head_size = true};
}

}  // namespace

const std::vector<GgufArchitecture>& gguf_architectures() {
  static const std::vector<GgufArchitecture> architectures = {
      interleaved_rope(),
      {.name = "qwen2",
       .tensors = joined({standard_block(), untied_output()}),
       .derives_head_size = true},
      {.name = "qwen3", .tensors = joined({standard_block(), untied_output(), head_norms()})},
      experts_with_head_norms(),
      {.name = "gemma2", .tensors = joined({standard_block(), norms_behind_blocks()})},
      {.name = "gemma3",
       .tensors = joined({standard_block(), untied_output(), head_norms(), norms_behind_blocks()})},
      fused_projections(),
      partly_unrotated(),
      parallel_blocks(),
      parallel_blocks_with_windows(),
  };
  return architectures;
}

const GgufArchitecture* gguf_architecture(const std::string& name) {
  for (const auto& architecture : gguf_architectures())
    if (architecture.name == name) return &architecture;
  return nullptr;
}

std::size_t find_quirky_name(const std::string& general_name) {
  std::string lower = general_name;
  for (auto& letter : lower)
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
  return std::min(lower.find("phi-3"), lower.find("phi3"));
}

std::vector<std::string> tokens_missing_for_quirks(const std::vector<std::string>& tokens) {
  std::vector<std::string> missing;
  for (const char* needed : {"</s>", "<unk>", "<s>", "<|endoftext|>"})
    if (std::find(tokens.begin(), tokens.end(), needed) == tokens.end()) missing.push_back(needed);
  return missing;
}

std::vector<std::string> gguf_architecture_names() {
  std::vector<std::string> names;
  for (const auto& architecture : gguf_architectures()) names.push_back(architecture.name);
  return names;
}

}  // namespace sqpsych
