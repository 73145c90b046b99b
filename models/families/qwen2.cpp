#include "models/families/config_features.h"
#include "models/families/family.h"
#include "models/families/gguf_features.h"

namespace sqpsych {
namespace qwen2 {
namespace {

constexpr ConfigStyle kStyle = {
    .model_type = "qwen2", .architecture = "Qwen2ForCausalLM", .window = 4096};

class Qwen2 final : public Family {
 public:
  std::string name() const override { return "qwen2"; }
  std::vector<std::string> architectures() const override { return {"Qwen2ForCausalLM"}; }
  std::string gguf_architecture() const override { return "qwen2"; }

  DecoderFeatures features(const Json& config, ProblemList& problems) const override {
    const ConfigReader reader(config, problems);
    auto f = features_from_config(reader, kStyle);
    f.qkv_bias = true;
    read_upper_windows(reader, kStyle, f);
    return f;
  }
  Json config(const DecoderFeatures& features) const override {
    auto config = config_from_features(features, kStyle);
    write_upper_windows(features, config);
    return config;
  }
  void complete(DecoderFeatures& features) const override { features.qkv_bias = true; }
  void write_gguf_keys(const DecoderFeatures& features, GgufWriter& writer) const override {
    refuse_free_heads(gguf_architecture(), features);
    Family::write_gguf_keys(features, writer);
  }
};

}  // namespace
}  // namespace qwen2

const Family& qwen2_family() {
  static const qwen2::Qwen2 family;
  return family;
}

}  // namespace sqpsych
