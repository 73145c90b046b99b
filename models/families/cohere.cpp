#include "core/text.h"
#include "models/families/config_features.h"
#include "models/families/family.h"
#include "models/families/gguf_features.h"

namespace sqpsych {
namespace cohere {
namespace {

constexpr ConfigStyle kStyle = {.model_type = "cohere",
                                .architecture = "CohereForCausalLM",
                                .norm_eps_key = "layer_norm_eps",
                                .norm_eps = 1e-5,
                                .rope_base = 500000,
                                .tied_embeddings = true};
constexpr double kDefaultLogitScale = 0.0625;
constexpr double kLogitScale = 0.8333333;          // Command R+'s config
constexpr std::int64_t kLayersWithHeadNorms = 64;  // llama.cpp, src/llama-model.cpp: Command R+

void set_constant_features(DecoderFeatures& f) {
  f.norm_kind = NormKind::kLayer;
  f.parallel_block = true;
  f.rope.interleaved = true;
}

class Cohere final : public Family {
 public:
  std::string name() const override { return "cohere"; }
  std::vector<std::string> architectures() const override { return {"CohereForCausalLM"}; }
  std::string gguf_architecture() const override { return "command-r"; }

  DecoderFeatures features(const Json& config, ProblemList& problems) const override {
    const ConfigReader reader(config, problems);
    auto f = features_from_config(reader, kStyle);
    set_constant_features(f);
    f.logit_scale = reader.number("logit_scale", kDefaultLogitScale);
    f.qkv_bias = f.attention_output_bias = reader.flag("attention_bias", false);
    if (reader.flag("use_qk_norm", false)) f.head_norm = HeadNorm::kPerHead;
    // Command R's max_position_embeddings is 8192, its trained context is here.
    f.context_length = reader.integer("model_max_length", f.context_length, 1, kMaxSize);
    return f;
  }
  Json config(const DecoderFeatures& f) const override {
    auto config = config_from_features(f, kStyle);
    config["logit_scale"] = f.logit_scale;
    config["use_qk_norm"] = f.head_norm != HeadNorm::kNone;
    return config;
  }
  void complete(DecoderFeatures& features) const override {
    set_constant_features(features);
    features.rope.base = kStyle.rope_base;
    features.logit_scale = kLogitScale;
    features.tied_embeddings = true;
  }
  bool may_untie() const override { return false; }
  void write_gguf_keys(const DecoderFeatures& f, GgufWriter& writer) const override {
    refuse_free_heads(gguf_architecture(), f);
    refuse_in_gguf(gguf_architecture(), !f.tied_embeddings, "an untied head");
    refuse_in_gguf(gguf_architecture(), f.attention_output_bias, "attention biases");
    const bool has_norms = f.head_norm != HeadNorm::kNone;
    refuse_in_gguf(gguf_architecture(), has_norms != (f.num_layers >= kLayersWithHeadNorms),
                   format("{} layers {} norms of queries and keys", f.num_layers,
                          has_norms ? "with" : "without"));
    write_gguf_features(gguf_architecture(), f, writer);
    writer.set("command-r.rope.scaling.type", std::string("none"));
  }
  DecoderFeatures features_from_gguf(const GgufFile& file) const override {
    auto f = features_from_gguf_keys(file, gguf_architecture());
    set_constant_features(f);
    return f;
  }
};

}  // namespace
}  // namespace cohere

const Family& cohere_family() {
  static const cohere::Cohere family;
  return family;
}

}  // namespace sqpsych
