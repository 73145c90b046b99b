#include "models/families/config_features.h"
#include "models/families/family.h"
#include "models/families/gguf_features.h"

namespace sqpsych {
namespace cohere2 {
namespace {

constexpr ConfigStyle kStyle = {.model_type = "cohere2",
                                .architecture = "Cohere2ForCausalLM",
                                .norm_eps_key = "layer_norm_eps",
                                .norm_eps = 1e-5,
                                .window = 4096,
                                .tied_embeddings = true};
// Command A and Command R7B (config of the latter): three windowed layers, then a global one that
// does not rotate.
constexpr double kLogitScale = 0.25;
constexpr std::int64_t kWindow = 4096;
constexpr std::int64_t kPeriod = 4;

void set_constant_features(DecoderFeatures& f) {
  f.norm_kind = NormKind::kLayer;
  f.parallel_block = true;
  f.rope.interleaved = true;
  f.layers.resize(static_cast<std::size_t>(f.num_layers));
  for (auto& layer : f.layers)
    if (layer.window == 0) layer.rope = RopeChoice::kNone;
}

bool has_usual_pattern(const DecoderFeatures& f) {
  const auto is_local = all_but_last_of(kPeriod);
  for (std::int64_t i = 0; i < f.num_layers; ++i)
    if ((f.layer(i).window > 0) != is_local(i)) return false;
  return true;
}

class Cohere2 final : public Family {
 public:
  std::string name() const override { return "cohere2"; }
  std::vector<std::string> architectures() const override { return {"Cohere2ForCausalLM"}; }
  std::string gguf_architecture() const override { return "cohere2"; }

  DecoderFeatures features(const Json& config, ProblemList& problems) const override {
    const ConfigReader reader(config, problems);
    auto f = features_from_config(reader, kStyle);
    f.logit_scale = reader.number("logit_scale", 0.0625);
    f.qkv_bias = f.attention_output_bias = reader.flag("attention_bias", false);
    read_windows(reader, kStyle, f,
                 all_but_last_of(reader.integer("sliding_window_pattern", kPeriod, 1, kMaxLayers)));
    set_constant_features(f);
    return f;
  }
  Json config(const DecoderFeatures& f) const override {
    auto config = config_from_features(f, kStyle);
    config["logit_scale"] = f.logit_scale;
    return config;
  }
  void complete(DecoderFeatures& features) const override {
    set_windows(features, window_for_context(kWindow, features), all_but_last_of(kPeriod));
    set_constant_features(features);
    features.logit_scale = kLogitScale;
    features.tied_embeddings = true;
  }
  bool may_untie() const override { return false; }
  void write_gguf_keys(const DecoderFeatures& f, GgufWriter& writer) const override {
    refuse_free_heads(gguf_architecture(), f);
    refuse_in_gguf(gguf_architecture(), !f.tied_embeddings, "an untied head");
    refuse_in_gguf(gguf_architecture(), f.attention_output_bias, "attention biases");
    refuse_in_gguf(gguf_architecture(), !has_usual_pattern(f),
                   "another pattern of windows than three layers in four");
    write_gguf_features(gguf_architecture(), f, writer);
    writer.set("cohere2.rope.scaling.type", std::string("none"));
  }
  DecoderFeatures features_from_gguf(const GgufFile& file) const override {
    auto f = features_from_gguf_keys(file, gguf_architecture());
    const auto window = window_of(f);
    f.layers.clear();
    set_windows(f, window, all_but_last_of(kPeriod));
    set_constant_features(f);
    return f;
  }
};

}  // namespace
}  // namespace cohere2

const Family& cohere2_family() {
  static const cohere2::Cohere2 family;
  return family;
}

}  // namespace sqpsych
