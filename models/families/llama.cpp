#include <ATen/core/Tensor.h>
#include <ATen/ops/from_blob.h>

#include <cmath>
#include <iterator>

#include "core/text.h"
#include "models/config_reader.h"
#include "models/families/family.h"
#include "models/layers/rope_table.h"

namespace sqpsych {
namespace {

constexpr std::int64_t kMaxSize = std::int64_t{1} << 24;
constexpr std::int64_t kMaxLayers = 512;

void read_llama3_scaling(const ConfigReader& scaling, RopeFeatures& rope) {
  WavelengthRopeScaling read;
  read.factor = scaling.number("factor", std::nullopt);
  read.low_freq_factor = scaling.number("low_freq_factor", std::nullopt);
  read.high_freq_factor = scaling.number("high_freq_factor", std::nullopt);
  read.original_context_length =
      scaling.integer("original_max_position_embeddings", std::nullopt, 1, kMaxSize);
  if (read.high_freq_factor <= read.low_freq_factor)
    scaling.problem(format("high_freq_factor: found {}, expected more than low_freq_factor ({}).",
                           read.high_freq_factor, read.low_freq_factor));
  rope.wavelength_scaling = read;
}

/// rope_theta + rope_scaling (older configs) or rope_parameters (newer ones).
RopeFeatures read_rope(const ConfigReader& reader, ProblemList& problems) {
  RopeFeatures rope;
  rope.base = reader.number("rope_theta", 10000.0);
  const char* key = reader.find("rope_parameters") ? "rope_parameters" : "rope_scaling";
  const auto* block = reader.find(key);
  if (!block) return rope;
  if (!block->is_object()) {
    problems.add(format("{}: found {}, expected an object.", key, block->dump()));
    return rope;
  }
  ProblemList inner;
  const ConfigReader scaling(*block, inner);
  rope.base = scaling.number("rope_theta", rope.base);
  const auto type = scaling.text("rope_type", scaling.text("type", "default"));
  if (type == "llama3") {
    read_llama3_scaling(scaling, rope);
  } else if (type != "default") {
    inner.add(format(
        "rope_type: found '{}', expected 'default' or 'llama3'. This scaling is not supported.",
        type));
  }
  for (const auto& problem : inner.problems()) problems.add(format("{}.{}", key, problem));
  return rope;
}

void check_heads(const DecoderFeatures& f, bool explicit_head_dim, ProblemList& problems) {
  if (!explicit_head_dim && f.hidden_size % f.num_heads != 0)
    problems.add(
        format("hidden_size: found {}, expected a multiple of num_attention_heads ({}) where "
               "head_dim is not given.",
               f.hidden_size, f.num_heads));
  if (f.num_heads % f.num_kv_heads != 0)
    problems.add(
        format("num_attention_heads: found {}, expected a multiple of num_key_value_heads ({}).",
               f.num_heads, f.num_kv_heads));
  if (f.head_dim % 2 != 0)
    problems.add(
        format("head_dim: found {}, expected an even number: rotary embeddings pair dimensions.",
               f.head_dim));
}

/// What the decoder would silently get wrong.
void check_supported(const ConfigReader& reader) {
  const auto activation = reader.text("hidden_act", "silu");
  if (activation != "silu" && activation != "swish")
    reader.problem(
        format("hidden_act: found '{}', expected 'silu'. Other activations are not supported.",
               activation));
  if (reader.number("partial_rotary_factor", 1.0) != 1.0)
    reader.problem("partial_rotary_factor: found a value other than 1, expected 1.");
  if (reader.find("quantization_config"))
    reader.problem(
        "quantization_config: found quantised weights, expected F32, F16 or BF16. Use the "
        "unquantised model.");
}

class Llama final : public Family {
 public:
  std::string name() const override { return "llama"; }
  std::vector<std::string> architectures() const override { return {"LlamaForCausalLM"}; }
  std::string gguf_architecture() const override { return "llama"; }
  DecoderFeatures features(const Json& config, ProblemList& problems) const override;
  std::vector<TensorNames> tensor_names(const DecoderFeatures& features) const override;
  Json config(const DecoderFeatures& features) const override;
  void write_gguf_keys(const DecoderFeatures& features, GgufWriter& writer) const override;
  DecoderFeatures features_from_gguf(const GgufFile& file) const override;
};

DecoderFeatures Llama::features(const Json& config, ProblemList& problems) const {
  const ConfigReader reader(config, problems);
  DecoderFeatures f;
  f.vocabulary_size = reader.integer("vocab_size", std::nullopt, 1, kMaxSize);
  f.hidden_size = reader.integer("hidden_size", std::nullopt, 1, kMaxSize);
  f.num_layers = reader.integer("num_hidden_layers", std::nullopt, 1, kMaxLayers);
  f.num_heads = reader.integer("num_attention_heads", std::nullopt, 1, kMaxSize);
  f.num_kv_heads = reader.integer("num_key_value_heads", f.num_heads, 1, kMaxSize);
  f.head_dim = reader.integer("head_dim", std::max<std::int64_t>(1, f.hidden_size / f.num_heads), 1,
                              kMaxSize);
  f.intermediate_size = reader.integer("intermediate_size", std::nullopt, 1, kMaxSize);
  f.context_length = reader.integer("max_position_embeddings", 2048, 1, kMaxSize);
  f.rms_norm_eps = reader.number("rms_norm_eps", 1e-6);
  f.tied_embeddings = reader.flag("tie_word_embeddings", false);
  f.qkv_bias = f.attention_output_bias = reader.flag("attention_bias", false);
  f.mlp_bias = reader.flag("mlp_bias", false);
  f.rope = read_rope(reader, problems);
  f.rope.dims = f.head_dim;
  check_heads(f, reader.find("head_dim") != nullptr, problems);
  check_supported(reader);
  return f;
}

std::vector<TensorNames> Llama::tensor_names(const DecoderFeatures& features) const {
  using enum GgufTransform;
  struct Row {
    const char *own, *huggingface, *gguf;
    GgufTransform transform;
  };
  constexpr Row kNorms[] = {{"attention_norm", "input_layernorm", "attn_norm", kNone},
                            {"mlp_norm", "post_attention_layernorm", "ffn_norm", kNone}};
  const std::pair<Row, bool> linears[] = {
      {{"attention.q", "self_attn.q_proj", "attn_q", kInterleaveQueryRows}, features.qkv_bias},
      {{"attention.k", "self_attn.k_proj", "attn_k", kInterleaveKeyRows}, features.qkv_bias},
      {{"attention.v", "self_attn.v_proj", "attn_v", kNone}, features.qkv_bias},
      {{"attention.o", "self_attn.o_proj", "attn_output", kNone}, features.attention_output_bias},
      {{"mlp.gate", "mlp.gate_proj", "ffn_gate", kNone}, features.mlp_bias},
      {{"mlp.up", "mlp.up_proj", "ffn_up", kNone}, features.mlp_bias},
      {{"mlp.down", "mlp.down_proj", "ffn_down", kNone}, features.mlp_bias}};
  std::vector<TensorNames> names = {
      {"embedding.weight", "model.embed_tokens.weight", "token_embd.weight", kNone}};
  for (std::int64_t layer = 0; layer < features.num_layers; ++layer) {
    const auto add = [&](const Row& row, const char* kind) {
      names.push_back({format("layers.{}.{}.{}", layer, row.own, kind),
                       format("model.layers.{}.{}.{}", layer, row.huggingface, kind),
                       format("blk.{}.{}.{}", layer, row.gguf, kind), row.transform});
    };
    for (const auto& row : kNorms) add(row, "weight");
    for (const auto& [row, has_bias] : linears) {
      add(row, "weight");
      if (has_bias) add(row, "bias");
    }
  }
  names.push_back({"norm.weight", "model.norm.weight", "output_norm.weight", kNone});
  if (!features.tied_embeddings)
    names.push_back({"head.weight", "lm_head.weight", "output.weight", kNone});
  return names;
}

Json Llama::config(const DecoderFeatures& f) const {
  Json config = {{"architectures", {"LlamaForCausalLM"}},
                 {"model_type", "llama"},
                 {"vocab_size", f.vocabulary_size},
                 {"hidden_size", f.hidden_size},
                 {"intermediate_size", f.intermediate_size},
                 {"num_hidden_layers", f.num_layers},
                 {"num_attention_heads", f.num_heads},
                 {"num_key_value_heads", f.num_kv_heads},
                 {"head_dim", f.head_dim},
                 {"max_position_embeddings", f.context_length},
                 {"rms_norm_eps", f.rms_norm_eps},
                 {"rope_theta", f.rope.base},
                 {"rope_scaling", nullptr},
                 {"hidden_act", "silu"},
                 {"attention_bias", f.qkv_bias},
                 {"mlp_bias", f.mlp_bias},
                 {"tie_word_embeddings", f.tied_embeddings}};
  if (f.rope.wavelength_scaling) {
    const auto& scaling = *f.rope.wavelength_scaling;
    config["rope_scaling"] = {
        {"rope_type", "llama3"},
        {"factor", scaling.factor},
        {"low_freq_factor", scaling.low_freq_factor},
        {"high_freq_factor", scaling.high_freq_factor},
        {"original_max_position_embeddings", scaling.original_context_length}};
  }
  return config;
}

void Llama::write_gguf_keys(const DecoderFeatures& f, GgufWriter& writer) const {
  const auto u32 = [&](const char* key, std::int64_t value) {
    writer.set(std::string("llama.") + key, static_cast<std::uint32_t>(value));
  };
  u32("vocab_size", f.vocabulary_size);
  u32("context_length", f.context_length);
  u32("embedding_length", f.hidden_size);
  u32("block_count", f.num_layers);
  u32("feed_forward_length", f.intermediate_size);
  u32("attention.head_count", f.num_heads);
  u32("attention.head_count_kv", f.num_kv_heads);
  u32("attention.key_length", f.head_dim);
  u32("attention.value_length", f.head_dim);
  u32("rope.dimension_count", f.rope.dims);
  writer.set("llama.rope.freq_base", static_cast<float>(f.rope.base));
  writer.set("llama.attention.layer_norm_rms_epsilon", static_cast<float>(f.rms_norm_eps));
  auto divisors = rope_frequency_divisors(f.rope);
  if (!divisors.empty())
    writer.add("rope_freqs.weight",
               at::from_blob(divisors.data(), {std::ssize(divisors)}, at::kFloat).clone(),
               GgmlType::kF32);
}

DecoderFeatures Llama::features_from_gguf(const GgufFile& file) const {
  ProblemList problems;
  const auto u32 = [&](const char* key, std::optional<std::int64_t> absent, std::int64_t maximum) {
    const auto name = std::string("llama.") + key;
    const auto value = file.optional_u32(name);
    if (!value && absent) return *absent;
    if (value && *value >= 1 && *value <= maximum) return static_cast<std::int64_t>(*value);
    problems.add(format("{}: found {}, expected a number from 1 to {}.", name,
                        value ? std::to_string(*value) : "nothing", maximum));
    return std::int64_t{1};
  };
  const auto has = [&](const char* name) { return file.find_tensor(name) != nullptr; };
  DecoderFeatures f;
  f.context_length = u32("context_length", std::nullopt, kMaxSize);
  f.hidden_size = u32("embedding_length", std::nullopt, kMaxSize);
  f.num_layers = u32("block_count", std::nullopt, kMaxLayers);
  f.intermediate_size = u32("feed_forward_length", std::nullopt, kMaxSize);
  f.num_heads = u32("attention.head_count", std::nullopt, kMaxSize);
  f.num_kv_heads = u32("attention.head_count_kv", f.num_heads, kMaxSize);
  f.head_dim =
      u32("attention.key_length", std::max<std::int64_t>(1, f.hidden_size / f.num_heads), kMaxSize);
  f.rms_norm_eps = file.f32("llama.attention.layer_norm_rms_epsilon");
  f.rope.base = file.find("llama.rope.freq_base") ? file.f32("llama.rope.freq_base") : 10000.0;
  f.rope.dims = u32("rope.dimension_count", f.head_dim, kMaxSize);
  if (f.rope.dims != f.head_dim)
    problems.add(format("llama.rope.dimension_count: found {}, expected the head's {} dimensions.",
                        f.rope.dims, f.head_dim));
  check_heads(f, true, problems);
  if (file.find("llama.rope.scaling.type") && file.text("llama.rope.scaling.type") != "none")
    problems.add(format(
        "llama.rope.scaling.type: found '{}', expected 'none'. This scaling is not supported.",
        file.text("llama.rope.scaling.type")));
  if (file.find("llama.expert_count") && file.u32("llama.expert_count") > 0)
    problems.add("llama.expert_count: found a mixture of experts, expected a dense model.");
  f.tied_embeddings = !has("output.weight");
  f.qkv_bias = has("blk.0.attn_q.bias");
  f.attention_output_bias = has("blk.0.attn_output.bias");
  f.mlp_bias = has("blk.0.ffn_gate.bias");
  const auto* embedding = file.find_tensor("token_embd.weight");
  if (embedding && embedding->shape.size() == 2)
    f.vocabulary_size = embedding->shape[0];
  else
    problems.add(
        "token_embd.weight: found no such matrix, expected [vocabulary, embedding_length].");
  if (const auto* entry = file.find_tensor("rope_freqs.weight")) {
    const auto divisors = file.tensor(*entry).to(at::kFloat).contiguous();
    if (divisors.numel() == f.rope.dims / 2)
      f.rope.frequency_divisors.assign(divisors.const_data_ptr<float>(),
                                       divisors.const_data_ptr<float>() + divisors.numel());
    else
      problems.add(format("rope_freqs.weight: found {} values, expected {}.", divisors.numel(),
                          f.rope.dims / 2));
  }
  problems.throw_if_any<FormatError>(file.path().string());
  return f;
}

}  // namespace

const Family& llama_family() {
  static const Llama family;
  return family;
}

}  // namespace sqpsych
