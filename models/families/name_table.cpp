#include "models/families/name_table.h"

#include "core/text.h"

namespace sqpsych {
namespace {

using enum GgufTransform;

/// Names within one layer, without ".weight".
struct Row {
  std::string own, huggingface, gguf;
  GgufTransform transform = kNone;
  bool has_bias = false;
};

std::vector<Row> norm_rows(const DecoderFeatures& f) {
  const auto norm = f.norm_kind == NormKind::kRmsPlusOne ? kAddOne : kNone;
  std::vector<Row> rows = {{"attention_norm", "input_layernorm", "attn_norm", norm}};
  if (f.post_norms) {
    // With four norms, post_attention_layernorm means what its name says.
    rows.push_back(
        {"post_attention_norm", "post_attention_layernorm", "post_attention_norm", norm});
    rows.push_back({"mlp_norm", "pre_feedforward_layernorm", "ffn_norm", norm});
    rows.push_back({"post_mlp_norm", "post_feedforward_layernorm", "post_ffw_norm", norm});
  } else if (!f.parallel_block) {
    rows.push_back({"mlp_norm", "post_attention_layernorm", "ffn_norm", norm});
  }
  if (f.head_norm != HeadNorm::kNone) {
    rows.push_back({"attention.q_norm", "self_attn.q_norm", "attn_q_norm", norm});
    rows.push_back({"attention.k_norm", "self_attn.k_norm", "attn_k_norm", norm});
  }
  return rows;
}

std::vector<Row> linear_rows(const DecoderFeatures& f, const NameStyle& style) {
  const auto query = style.interleaves_in_gguf ? kInterleaveQueryRows : kNone;
  const auto key = style.interleaves_in_gguf ? kInterleaveKeyRows : kNone;
  std::vector<Row> rows;
  if (f.fused_qkv)
    rows.push_back({"attention.qkv", "self_attn.qkv_proj", "attn_qkv", kNone, f.qkv_bias});
  else
    rows = {{"attention.q", "self_attn.q_proj", "attn_q", query, f.qkv_bias},
            {"attention.k", "self_attn.k_proj", "attn_k", key, f.qkv_bias},
            {"attention.v", "self_attn.v_proj", "attn_v", kNone, f.qkv_bias}};
  rows.push_back(
      {"attention.o", "self_attn.o_proj", "attn_output", kNone, f.attention_output_bias});
  if (f.experts.count > 0) {
    rows.push_back({"mlp.router", format("{}.gate", style.expert_block), "ffn_gate_inp"});
    return rows;
  }
  if (f.fused_gate_up) {
    rows.push_back({"mlp.gate_up", "mlp.gate_up_proj", "ffn_up", kNone, f.mlp_bias});
  } else {
    rows.push_back({"mlp.gate", "mlp.gate_proj", "ffn_gate", kNone, f.mlp_bias});
    rows.push_back({"mlp.up", "mlp.up_proj", "ffn_up", kNone, f.mlp_bias});
  }
  rows.push_back({"mlp.down", "mlp.down_proj", "ffn_down", kNone, f.mlp_bias});
  return rows;
}

void add_experts(const DecoderFeatures& f, const NameStyle& style, std::int64_t layer,
                 std::vector<TensorNames>& names) {
  const struct {
    const char *own, *huggingface, *gguf;
  } parts[] = {{"gate", style.expert_gate, "ffn_gate_exps"},
               {"up", style.expert_up, "ffn_up_exps"},
               {"down", style.expert_down, "ffn_down_exps"}};
  for (const auto& part : parts)
    for (std::int64_t i = 0; i < f.experts.count; ++i)
      names.push_back({format("layers.{}.mlp.experts.{}.{}.weight", layer, i, part.own),
                       format("model.layers.{}.{}.experts.{}.{}.weight", layer, style.expert_block,
                              i, part.huggingface),
                       format("blk.{}.{}.weight", layer, part.gguf), kNone, i});
}

}  // namespace

std::vector<TensorNames> tensor_names_of(const DecoderFeatures& f, const NameStyle& style) {
  std::vector<TensorNames> names = {
      {"embedding.weight", "model.embed_tokens.weight", "token_embd.weight"}};
  auto rows = norm_rows(f);
  for (auto& row : linear_rows(f, style)) rows.push_back(std::move(row));
  for (std::int64_t layer = 0; layer < f.num_layers; ++layer) {
    const auto add = [&](const Row& row, const char* kind) {
      names.push_back({format("layers.{}.{}.{}", layer, row.own, kind),
                       format("model.layers.{}.{}.{}", layer, row.huggingface, kind),
                       format("blk.{}.{}.{}", layer, row.gguf, kind), row.transform});
    };
    for (const auto& row : rows) {
      add(row, "weight");
      if (row.has_bias) add(row, "bias");
    }
    if (f.experts.count > 0) add_experts(f, style, layer, names);
  }
  names.push_back({"norm.weight", "model.norm.weight", "output_norm.weight",
                   f.norm_kind == NormKind::kRmsPlusOne ? kAddOne : kNone});
  if (!f.tied_embeddings) names.push_back({"head.weight", "lm_head.weight", "output.weight"});
  return names;
}

}  // namespace sqpsych
