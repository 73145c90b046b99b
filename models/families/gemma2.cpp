#include <cmath>

#include "models/families/config_features.h"
#include "models/families/family.h"
#include "models/families/gguf_features.h"

namespace sqpsych {
namespace gemma2 {
namespace {

constexpr ConfigStyle kStyle = {.model_type = "gemma2",
                                .architecture = "Gemma2ForCausalLM",
                                .activation_key = "hidden_activation",
                                .activation = "gelu_pytorch_tanh",
                                .head_dim = 256,
                                .window = 4096,
                                .tied_embeddings = true};
// Gemma 2 (Gemma Team 2024, arXiv 2408.00118): caps.
constexpr double kAttentionCap = 50;
constexpr double kLogitCap = 30;
// llama.cpp chooses the attention scale by the number of layers (src/models/gemma2.cpp).
constexpr std::int64_t kLayersOf27b = 46;

bool every_second(std::int64_t layer) { return layer % 2 == 0; }

/// null: no cap.
double read_cap(const ConfigReader& reader, const char* key, double absent) {
  return reader.has(key) && !reader.find(key) ? 0 : reader.number(key, absent);
}

void set_constant_features(DecoderFeatures& f) {
  f.norm_kind = NormKind::kRmsPlusOne;
  f.activation = Activation::kGeluTanh;
  f.post_norms = true;
  f.embedding_scale = std::sqrt(static_cast<double>(f.hidden_size));
}

class Gemma2 final : public Family {
 public:
  std::string name() const override { return "gemma2"; }
  std::vector<std::string> architectures() const override { return {"Gemma2ForCausalLM"}; }
  std::string gguf_architecture() const override { return "gemma2"; }

  DecoderFeatures features(const Json& config, ProblemList& problems) const override {
    const ConfigReader reader(config, problems);
    auto f = features_from_config(reader, kStyle);
    set_constant_features(f);
    f.attention_scale = 1 / std::sqrt(reader.number("query_pre_attn_scalar", 256));
    f.attention_soft_cap = read_cap(reader, "attn_logit_softcapping", kAttentionCap);
    f.logit_soft_cap = read_cap(reader, "final_logit_softcapping", kLogitCap);
    f.qkv_bias = f.attention_output_bias = reader.flag("attention_bias", false);
    read_windows(reader, kStyle, f, every_second);
    return f;
  }
  Json config(const DecoderFeatures& f) const override {
    auto config = config_from_features(f, kStyle);
    config["query_pre_attn_scalar"] = query_scalar_of(f.attention_scale);
    config["attn_logit_softcapping"] = soft_cap_or_null(f.attention_soft_cap);
    config["final_logit_softcapping"] = soft_cap_or_null(f.logit_soft_cap);
    return config;
  }
  void complete(DecoderFeatures& f) const override {
    set_constant_features(f);
    f.attention_scale = 1 / std::sqrt(static_cast<double>(f.head_dim));
    f.attention_soft_cap = kAttentionCap;
    f.logit_soft_cap = kLogitCap;
    f.tied_embeddings = true;
    set_windows(f, window_for_context(kStyle.window, f), every_second);
  }
  bool may_untie() const override { return false; }
  void write_gguf_keys(const DecoderFeatures& f, GgufWriter& writer) const override {
    refuse_attention_scale(gguf_architecture(), f, kLayersOf27b);
    refuse_in_gguf(gguf_architecture(), !f.tied_embeddings, "an untied head");
    refuse_in_gguf(gguf_architecture(), f.qkv_bias, "attention biases");
    refuse_in_gguf(gguf_architecture(), f.attention_soft_cap == 0 || f.logit_soft_cap == 0,
                   "no soft caps");
    write_gguf_features(gguf_architecture(), f, writer);
  }
  DecoderFeatures features_from_gguf(const GgufFile& file) const override {
    auto f = features_from_gguf_keys(file, gguf_architecture());
    set_constant_features(f);
    f.attention_scale = gguf_attention_scale(f, kLayersOf27b);
    if (f.attention_soft_cap == 0) f.attention_soft_cap = kAttentionCap;
    if (f.logit_soft_cap == 0) f.logit_soft_cap = kLogitCap;
    const auto window = window_of(f);
    f.layers.clear();
    set_windows(f, window > 0 ? window : kStyle.window, every_second);
    return f;
  }
};

}  // namespace
}  // namespace gemma2

const Family& gemma2_family() {
  static const gemma2::Gemma2 family;
  return family;
}

}  // namespace sqpsych
