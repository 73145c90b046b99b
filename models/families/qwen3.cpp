#include "models/families/config_features.h"
#include "models/families/family.h"
#include "models/families/gguf_features.h"
#include "models/families/name_table.h"

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
    if (reader.flag("use_sliding_window", false)) {
      const auto first = reader.integer("max_window_layers", 28, 0, kMaxSize);
      read_windows(reader, kStyle, f, [first](std::int64_t layer) { return layer >= first; });
    }
    return f;
  }
  std::vector<TensorNames> tensor_names(const DecoderFeatures& features) const override {
    return tensor_names_of(features);
  }
  Json config(const DecoderFeatures& features) const override {
    auto config = config_from_features(features, kStyle);
    config["use_sliding_window"] = window_of(features) > 0;
    config["max_window_layers"] = first_window(features);
    return config;
  }
  void complete(DecoderFeatures& features) const override {
    features.head_norm = HeadNorm::kShared;
  }
  void write_gguf_keys(const DecoderFeatures& features, GgufWriter& writer) const override {
    refuse_in_gguf(gguf_architecture(), features.attention_output_bias, "attention biases");
    write_gguf_features(gguf_architecture(), without_windows(gguf_architecture(), features),
                        writer);
  }
  DecoderFeatures features_from_gguf(const GgufFile& file) const override {
    return features_from_gguf_keys(file, gguf_architecture());
  }
};

}  // namespace
}  // namespace qwen3

const Family& qwen3_family() {
  static const qwen3::Qwen3 family;
  return family;
}

}  // namespace sqpsych
