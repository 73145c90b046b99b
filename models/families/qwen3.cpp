#include "models/families/config_features.h"
#include "models/families/family.h"
#include "models/families/gguf_features.h"

namespace sqpsych {
namespace qwen3 {
namespace {

constexpr ConfigStyle kStyle = {
    .model_type = "qwen3", .architecture = "Qwen3ForCausalLM", .head_dim = 128, .window = 4096};

class Qwen3 final : public Family {
 public:
  std::string name() const override { return "qwen3"; }
  std::vector<std::string> architectures() const override { return {"Qwen3ForCausalLM"}; }
  std::string gguf_architecture() const override { return "qwen3"; }

  DecoderFeatures features(const Json& config, ProblemList& problems) const override {
    const ConfigReader reader(config, problems);
    auto f = features_from_config(reader, kStyle);
    f.head_norm = HeadNorm::kShared;
    f.qkv_bias = f.attention_output_bias = reader.flag("attention_bias", false);
    read_upper_windows(reader, kStyle, f);
    return f;
  }
  Json config(const DecoderFeatures& features) const override {
    auto config = config_from_features(features, kStyle);
    write_upper_windows(features, config);
    return config;
  }
  void complete(DecoderFeatures& features) const override {
    features.head_norm = HeadNorm::kShared;
  }
  void write_gguf_keys(const DecoderFeatures& features, GgufWriter& writer) const override {
    refuse_in_gguf(gguf_architecture(), features.attention_output_bias, "attention biases");
    Family::write_gguf_keys(features, writer);
  }
};

}  // namespace
}  // namespace qwen3

const Family& qwen3_family() {
  static const qwen3::Qwen3 family;
  return family;
}

}  // namespace sqpsych
