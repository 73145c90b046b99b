#include "models/families/gguf_features.h"

#include <ATen/core/Tensor.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/log.h"
#include "core/text.h"
#include "models/families/config_features.h"
#include "models/layers/rope_table.h"

namespace sqpsych {
namespace {

constexpr const char* kRopeDivisors = "rope_freqs.weight";
constexpr const char* kLongDivisors = "rope_factors_long.weight";
constexpr const char* kShortDivisors = "rope_factors_short.weight";

/// Sets keys of one architecture.
class KeyWriter {
 public:
  KeyWriter(const std::string& architecture, GgufWriter& writer)
      : prefix_(architecture + "."), writer_(writer) {}
  void count(const char* key, std::int64_t value) {
    writer_.set(prefix_ + key, static_cast<std::uint32_t>(value));
  }
  void number(const char* key, double value) {
    writer_.set(prefix_ + key, static_cast<float>(value));
  }
  void text(const char* key, const std::string& value) { writer_.set(prefix_ + key, value); }
  void divisors(const char* tensor, const std::vector<float>& values) {
    writer_.add(tensor, at::tensor(values), GgmlType::kF32);
  }

 private:
  std::string prefix_;
  GgufWriter& writer_;
};

void write_scaling(const RopeFeatures& rope, KeyWriter& keys) {
  if (const auto divisors = rope_frequency_divisors(rope); !divisors.empty())
    keys.divisors(kRopeDivisors, divisors);
  if (const auto* scaling = rope.scaled_by<LinearRopeScaling>()) {
    keys.text("rope.scaling.type", "linear");
    keys.number("rope.scaling.factor", scaling->factor);
  }
  if (const auto* scaling = rope.scaled_by<YarnRopeScaling>()) {
    keys.text("rope.scaling.type", "yarn");
    keys.number("rope.scaling.factor", scaling->factor);
    keys.count("rope.scaling.original_context_length", scaling->original_context_length);
    keys.number("rope.scaling.yarn_beta_fast", scaling->beta_fast);
    keys.number("rope.scaling.yarn_beta_slow", scaling->beta_slow);
  }
  if (const auto* scaling = rope.scaled_by<LongRopeScaling>()) {
    log_warning(
        format("export: rope scaling: llama.cpp takes the long factors for every token once its "
               "context is larger than {} tokens, transformers only for sequences longer than "
               "that. Serve it with a context of {} tokens unless longer ones come.",
               scaling->original_context_length, scaling->original_context_length));
    keys.count("rope.scaling.original_context_length", scaling->original_context_length);
    keys.number("rope.scaling.attn_factor", scaling->attention_factor);
    keys.divisors(kLongDivisors, {scaling->long_divisors.begin(), scaling->long_divisors.end()});
    keys.divisors(kShortDivisors, {scaling->short_divisors.begin(), scaling->short_divisors.end()});
  }
}

/// Reads keys of one architecture, collecting every problem.
class KeyReader {
 public:
  KeyReader(const GgufFile& file, const std::string& architecture)
      : file_(file), prefix_(architecture + ".") {}

  std::int64_t count(const char* key, std::optional<std::int64_t> absent, std::int64_t maximum) {
    const auto value = file_.optional_u32(prefix_ + key);
    if (!value && absent) return *absent;
    if (value && *value >= 1 && *value <= maximum) return static_cast<std::int64_t>(*value);
    problem(key, value ? std::to_string(*value) : "nothing",
            format("a number from 1 to {}", maximum));
    return 1;
  }
  double number(const char* key, double absent) {
    if (!has_key(key)) return absent;
    const double value = file_.f32(prefix_ + key);
    if (value > 0) return value;
    problem(key, std::to_string(value), "a number above 0");
    return absent;
  }
  bool has_key(const char* key) const { return file_.find(prefix_ + key) != nullptr; }
  std::string text(const char* key) const { return has_key(key) ? file_.text(prefix_ + key) : ""; }
  bool has_tensor(const char* name) const { return file_.find_tensor(name) != nullptr; }
  std::vector<float> divisors(const char* name, std::int64_t expected) {
    const auto* entry = file_.find_tensor(name);
    if (!entry) return {};
    const auto values = file_.tensor(*entry).to(at::kFloat).contiguous();
    if (values.numel() == expected)
      return {values.const_data_ptr<float>(), values.const_data_ptr<float>() + expected};
    problems.add(format("{}: found {} values, expected {}.", name, values.numel(), expected));
    return {};
  }
  void problem(const char* key, const std::string& found, const std::string& expected) {
    problems.add(format("{}{}: found {}, expected {}.", prefix_, key, found, expected));
  }

  ProblemList problems;

 private:
  const GgufFile& file_;
  std::string prefix_;
};

void read_scaling(KeyReader& keys, DecoderFeatures& f) {
  f.rope.frequency_divisors = keys.divisors(kRopeDivisors, f.rope.dims / 2);
  const auto original =
      keys.count("rope.scaling.original_context_length", f.context_length, kMaxSize);
  const auto type = keys.text("rope.scaling.type");
  const auto factor = keys.number("rope.scaling.factor", 1);
  if (type == "linear")
    f.rope.scaling = LinearRopeScaling{factor};
  else if (type == "yarn")
    f.rope.scaling = YarnRopeScaling{factor,
                                     keys.number("rope.scaling.yarn_beta_fast", 32),
                                     keys.number("rope.scaling.yarn_beta_slow", 1),
                                     original,
                                     std::nullopt,
                                     true};
  else if (!type.empty() && type != "none" && type != "longrope")
    keys.problem("rope.scaling.type", "'" + type + "'", "none, linear, yarn or longrope");
  const auto long_divisors = keys.divisors(kLongDivisors, f.rope.dims / 2);
  const auto short_divisors = keys.divisors(kShortDivisors, f.rope.dims / 2);
  if (long_divisors.empty() || short_divisors.empty()) return;
  LongRopeScaling scaling;
  scaling.long_divisors.assign(long_divisors.begin(), long_divisors.end());
  scaling.short_divisors.assign(short_divisors.begin(), short_divisors.end());
  scaling.original_context_length = original;
  scaling.attention_factor = keys.number("rope.scaling.attn_factor", 1);
  f.rope.scaling = scaling;
}

void read_tensors(const GgufFile& file, KeyReader& keys, DecoderFeatures& f) {
  f.tied_embeddings = !keys.has_tensor("output.weight");
  f.fused_qkv = keys.has_tensor("blk.0.attn_qkv.weight");
  f.qkv_bias = keys.has_tensor(f.fused_qkv ? "blk.0.attn_qkv.bias" : "blk.0.attn_q.bias");
  f.attention_output_bias = keys.has_tensor("blk.0.attn_output.bias");
  f.mlp_bias = keys.has_tensor("blk.0.ffn_up.bias");
  f.fused_gate_up = f.experts.count == 0 && !keys.has_tensor("blk.0.ffn_gate.weight");
  f.post_norms = keys.has_tensor("blk.0.post_ffw_norm.weight");
  f.parallel_block = !keys.has_tensor("blk.0.ffn_norm.weight");
  if (const auto* norm = file.find_tensor("blk.0.attn_q_norm.weight"))
    f.head_norm = norm->shape.size() == 1 ? HeadNorm::kShared : HeadNorm::kPerHead;
  const auto* embedding = file.find_tensor("token_embd.weight");
  if (embedding && embedding->shape.size() == 2)
    f.vocabulary_size = embedding->shape[0];
  else
    keys.problems.add(
        "token_embd.weight: found no such matrix, expected [vocabulary, embedding_length].");
}

}  // namespace

void write_gguf_features(const std::string& architecture, const DecoderFeatures& f,
                         GgufWriter& writer) {
  KeyWriter keys(architecture, writer);
  keys.count("vocab_size", f.vocabulary_size);
  keys.count("context_length", f.context_length);
  keys.count("embedding_length", f.hidden_size);
  keys.count("block_count", f.num_layers);
  keys.count("feed_forward_length", f.intermediate_size);
  keys.count("attention.head_count", f.num_heads);
  keys.count("attention.head_count_kv", f.num_kv_heads);
  keys.count("attention.key_length", f.head_dim);
  keys.count("attention.value_length", f.head_dim);
  keys.count("rope.dimension_count", f.rope.dims);
  keys.number("rope.freq_base", f.rope.base);
  if (f.local_rope) keys.number("rope.freq_base_swa", f.local_rope->base);
  keys.number(f.norm_kind == NormKind::kLayer ? "attention.layer_norm_epsilon"
                                              : "attention.layer_norm_rms_epsilon",
              f.norm_eps);
  if (f.attention_soft_cap > 0) keys.number("attn_logit_softcapping", f.attention_soft_cap);
  if (f.logit_soft_cap > 0) keys.number("final_logit_softcapping", f.logit_soft_cap);
  if (f.logit_scale != 1) keys.number("logit_scale", f.logit_scale);
  if (const auto* scaling = f.rope.scaled_by<YarnRopeScaling>()) {
    refuse_in_gguf(architecture, scaling->attention_factor.has_value(),
                   "a yarn attention_factor (or mscale)");
    refuse_in_gguf(architecture, !scaling->truncate, "yarn with truncate false");
  }
  if (const auto window = window_of(f); window > 0) keys.count("attention.sliding_window", window);
  if (f.experts.count > 0) {
    keys.count("expert_count", f.experts.count);
    keys.count("expert_used_count", f.experts.per_token);
    keys.count("expert_feed_forward_length", f.experts.intermediate_size);
  }
  write_scaling(f.rope, keys);
}

DecoderFeatures features_from_gguf_keys(const GgufFile& file, const std::string& architecture) {
  KeyReader keys(file, architecture);
  DecoderFeatures f;
  f.context_length = keys.count("context_length", std::nullopt, kMaxSize);
  f.hidden_size = keys.count("embedding_length", std::nullopt, kMaxSize);
  f.num_layers = keys.count("block_count", std::nullopt, kMaxLayers);
  f.intermediate_size = keys.count("feed_forward_length", std::nullopt, kMaxSize);
  f.num_heads = keys.count("attention.head_count", std::nullopt, kMaxSize);
  f.num_kv_heads = keys.count("attention.head_count_kv", f.num_heads, kMaxSize);
  f.head_dim = keys.count("attention.key_length",
                          std::max<std::int64_t>(1, f.hidden_size / f.num_heads), kMaxSize);
  f.rope.base = keys.number("rope.freq_base", 10000);
  f.rope.dims = keys.count("rope.dimension_count", f.head_dim, kMaxSize);
  if (keys.has_key("rope.freq_base_swa"))
    f.local_rope =
        RopeFeatures{keys.number("rope.freq_base_swa", 10000), f.rope.dims, false, {}, {}};
  f.norm_kind = keys.has_key("attention.layer_norm_epsilon") ? NormKind::kLayer : NormKind::kRms;
  const char* eps_key = f.norm_kind == NormKind::kLayer ? "attention.layer_norm_epsilon"
                                                        : "attention.layer_norm_rms_epsilon";
  f.norm_eps = keys.number(eps_key, 0);
  if (f.norm_eps == 0) keys.problem(eps_key, "nothing", "a number above 0");
  f.attention_soft_cap = keys.number("attn_logit_softcapping", 0);
  f.logit_soft_cap = keys.number("final_logit_softcapping", 0);
  f.logit_scale = keys.number("logit_scale", 1);
  if (keys.has_key("expert_count")) {
    f.experts.count = keys.count("expert_count", std::nullopt, kMaxExperts);
    f.experts.per_token = keys.count("expert_used_count", std::nullopt, f.experts.count);
    f.experts.intermediate_size =
        keys.count("expert_feed_forward_length", f.intermediate_size, kMaxSize);
  }
  const auto window = file.optional_u32(architecture + ".attention.sliding_window");
  if (window && *window > 0) set_windows(f, static_cast<std::int64_t>(*window), every_layer);
  read_scaling(keys, f);
  read_tensors(file, keys, f);
  check_heads(f, keys.problems);
  keys.problems.throw_if_any<FormatError>(file.path().string());
  return f;
}

void refuse_in_gguf(const std::string& architecture, bool is_wrong, const std::string& found) {
  if (is_wrong)
    throw FormatError(
        format("export: found {}, which GGUF files of architecture '{}' cannot express. Export to "
               "--format huggingface instead.",
               found, architecture));
}

void refuse_free_heads(const std::string& architecture, const DecoderFeatures& features) {
  refuse_in_gguf(architecture, features.head_dim * features.num_heads != features.hidden_size,
                 format("{} heads of head_dim {} with hidden_size {}", features.num_heads,
                        features.head_dim, features.hidden_size));
}

double gguf_attention_scale(const DecoderFeatures& f, std::int64_t deep) {
  const auto width = f.num_layers == deep ? f.hidden_size / f.num_heads : f.head_dim;
  return 1 / std::sqrt(static_cast<double>(width));
}

void refuse_attention_scale(const std::string& architecture, const DecoderFeatures& features,
                            std::int64_t deep) {
  const auto expected = gguf_attention_scale(features, deep);
  refuse_in_gguf(
      architecture, std::abs(features.attention_scale / expected - 1) > 1e-6,
      format("an attention scale of {} instead of {}", features.attention_scale, expected));
}

DecoderFeatures without_windows(const std::string& architecture, DecoderFeatures features) {
  const auto window = window_of(features);
  if (window > 0 && window < features.context_length)
    log_warning(
        format("export: runtimes of architecture '{}' know no sliding window: beyond {} tokens "
               "their replies differ from this model's.",
               architecture, window));
  for (auto& layer : features.layers) layer.window = 0;
  return features;
}

}  // namespace sqpsych
