#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/models/exporters/gguf_draft.h"

/// Files that break no rule, for tests that change one thing.
namespace sqpsych::testing {

using Texts = std::vector<std::string>;
inline std::uint32_t u32(int value) { return static_cast<std::uint32_t>(value); }

inline void add_block(Draft& draft, const std::string& block) {
  const std::vector<Draft::Entry> rows = {
      {"attn_norm.weight", {32}},       {"attn_q.weight", {32, 32}},
      {"attn_k.weight", {16, 32}},      {"attn_v.weight", {16, 32}},
      {"attn_output.weight", {32, 32}}, {"ffn_norm.weight", {32}},
      {"ffn_gate.weight", {64, 32}},    {"ffn_up.weight", {64, 32}},
      {"ffn_down.weight", {32, 64}}};
  for (const auto& row : rows) draft.tensors.push_back({block + row.name, row.shape});
}

inline Draft good_model() {
  Draft draft;
  draft.keys = {{"general.architecture", std::string("llama")},
                {"general.type", std::string("model")},
                {"general.name", std::string("test")},
                {"general.file_type", u32(0)},
                {"llama.context_length", u32(64)},
                {"llama.embedding_length", u32(32)},
                {"llama.block_count", u32(2)},
                {"llama.feed_forward_length", u32(64)},
                {"llama.attention.head_count", u32(4)},
                {"llama.attention.head_count_kv", u32(2)},
                {"llama.attention.layer_norm_rms_epsilon", 1e-5F},
                {"llama.rope.dimension_count", u32(8)},
                {"llama.rope.freq_base", 10000.0F},
                {"tokenizer.ggml.model", std::string("llama")},
                {"tokenizer.ggml.tokens", Texts{"<unk>", "<s>", "</s>", "a"}},
                {"tokenizer.ggml.scores", std::vector<float>{0, 0, 0, -1}},
                {"tokenizer.ggml.token_type", std::vector<std::int32_t>{2, 3, 3, 1}},
                {"tokenizer.ggml.eos_token_id", u32(2)},
                {"tokenizer.ggml.add_bos_token", true},
                {"tokenizer.chat_template", std::string("{{ messages }}")}};
  draft.tensors = {{"token_embd.weight", {4, 32}}, {"output_norm.weight", {32}}};
  add_block(draft, "blk.0.");
  add_block(draft, "blk.1.");
  return draft;
}

inline Draft good_byte_level_model() {
  auto draft = good_model();
  draft.set("tokenizer.ggml.model", std::string("gpt2"));
  draft.set("tokenizer.ggml.pre", std::string("llama-bpe"));
  draft.set("tokenizer.ggml.merges", Texts{"a b", "  c"});
  draft.set("tokenizer.ggml.bos_token_id", u32(1));
  draft.remove("tokenizer.ggml.scores");
  return draft;
}

inline Draft good_adapter() {
  Draft draft;
  draft.keys = {{"general.architecture", std::string("llama")},
                {"general.type", std::string("adapter")},
                {"adapter.type", std::string("lora")},
                {"adapter.lora.alpha", 16.0F}};
  draft.tensors = {{"blk.0.attn_q.weight.lora_a", {2, 32}},
                   {"blk.0.attn_q.weight.lora_b", {32, 2}},
                   {"blk.11.ffn_down.weight.lora_a", {4, 64}},
                   {"blk.11.ffn_down.weight.lora_b", {32, 4}}};
  return draft;
}

}  // namespace sqpsych::testing
