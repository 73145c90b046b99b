#include <cmath>

#include "models/families/config_features.h"
#include "models/families/family.h"
#include "models/families/gguf_features.h"
#include "models/families/wrapper.h"

namespace sqpsych {
namespace gemma3 {
namespace {

constexpr ConfigStyle kStyle = {.model_type = "gemma3_text",
                                .architecture = "Gemma3ForCausalLM",
                                .activation_key = "hidden_activation",
                                .activation = "gelu_pytorch_tanh",
                                .rope_base = 1e6,
                                .local_rope_base = 10000,
                                .head_dim = 256,
                                .window = 4096,
                                .tied_embeddings = true};
// Gemma 3 (Gemma Team 2025, arXiv 2503.19786): five windowed layers, then a global one.
constexpr std::int64_t kWindow = 1024;
constexpr std::int64_t kPeriod = 6;
// llama.cpp chooses the attention scale by the number of layers (src/models/gemma3.cpp).
constexpr std::int64_t kLayersOf27b = 62;

bool has_usual_pattern(const DecoderFeatures& f) {
  const auto is_local = all_but_last_of(kPeriod);
  for (std::int64_t i = 0; i < f.num_layers; ++i)
    if ((f.layer(i).rope == RopeChoice::kLocal) != is_local(i)) return false;
  return true;
}

void set_constant_features(DecoderFeatures& f) {
  f.norm_kind = NormKind::kRmsPlusOne;
  f.head_norm = HeadNorm::kShared;
  f.activation = Activation::kGeluTanh;
  f.post_norms = true;
  f.embedding_scale = std::sqrt(static_cast<double>(f.hidden_size));
}

class Gemma3 final : public Family {
 public:
  std::string name() const override { return "gemma3"; }
  std::vector<std::string> model_types() const override { return {"gemma3_text", "gemma3"}; }
  std::vector<std::string> architectures() const override {
    return {"Gemma3ForCausalLM", "Gemma3ForConditionalGeneration"};
  }
  std::string gguf_architecture() const override { return "gemma3"; }

  Json text_config(const Json& config) const override { return text_config_of(config, kStyle); }
  std::string canonical_name(const std::string& stored) const override {
    return name_inside_wrapper(stored);
  }

  DecoderFeatures features(const Json& config, ProblemList& problems) const override {
    // The published 4B wrapper leaves out what equals transformers' defaults.
    Json complete = {{"vocab_size", 262208},
                     {"num_attention_heads", 8},
                     {"num_key_value_heads", 4},
                     {"max_position_embeddings", 131072}};
    complete.update(config);
    const ConfigReader reader(complete, problems);
    auto f = features_from_config(reader, kStyle);
    set_constant_features(f);
    f.attention_scale = 1 / std::sqrt(reader.number("query_pre_attn_scalar", 256));
    if (reader.find("final_logit_softcapping"))
      f.logit_soft_cap = reader.number("final_logit_softcapping", 1);
    f.qkv_bias = f.attention_output_bias = reader.flag("attention_bias", false);
    read_windows(reader, kStyle, f,
                 all_but_last_of(reader.integer("sliding_window_pattern", kPeriod, 1, kMaxLayers)));
    return f;
  }
  Json config(const DecoderFeatures& f) const override {
    auto config = config_from_features(f, kStyle);
    config["query_pre_attn_scalar"] = query_scalar_of(f.attention_scale);
    config["final_logit_softcapping"] = soft_cap_or_null(f.logit_soft_cap);
    return config;
  }
  void complete(DecoderFeatures& f) const override {
    set_constant_features(f);
    f.attention_scale = 1 / std::sqrt(static_cast<double>(f.head_dim));
    f.rope.base = kStyle.rope_base;
    f.local_rope = RopeFeatures{kStyle.local_rope_base, f.rope.dims, false, {}, {}};
    f.layers.clear();
    set_windows(f, window_for_context(kWindow, f), all_but_last_of(kPeriod));
  }
  void write_gguf_keys(const DecoderFeatures& f, GgufWriter& writer) const override {
    refuse_attention_scale(gguf_architecture(), f, kLayersOf27b);
    refuse_in_gguf(gguf_architecture(), f.qkv_bias, "attention biases");
    refuse_in_gguf(gguf_architecture(), !has_usual_pattern(f),
                   "another pattern of windows than five layers in six");
    refuse_in_gguf(gguf_architecture(),
                   !std::holds_alternative<std::monostate>(f.local_rope->scaling),
                   "scaled rotary embedding of windowed layers");
    write_gguf_features(gguf_architecture(), f, writer);
  }
  DecoderFeatures features_from_gguf(const GgufFile& file) const override {
    auto f = features_from_gguf_keys(file, gguf_architecture());
    set_constant_features(f);
    f.attention_scale = gguf_attention_scale(f, kLayersOf27b);
    if (!f.local_rope)
      f.local_rope = RopeFeatures{kStyle.local_rope_base, f.rope.dims, false, {}, {}};
    const auto window = window_of(f);
    f.layers.clear();
    set_windows(f, window, all_but_last_of(kPeriod));
    return f;
  }
};

}  // namespace
}  // namespace gemma3

const Family& gemma3_family() {
  static const gemma3::Gemma3 family;
  return family;
}

}  // namespace sqpsych
