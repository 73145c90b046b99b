#include "models/families/config_features.h"
#include "models/families/family.h"
#include "models/families/name_table.h"

namespace sqpsych {
namespace llama {
namespace {

constexpr ConfigStyle kStyle = {.model_type = "llama", .architecture = "LlamaForCausalLM"};

class Llama final : public Family {
 public:
  std::string name() const override { return "llama"; }
  std::vector<std::string> architectures() const override {
    return {"LlamaForCausalLM", "LLaMAForCausalLM"};
  }
  std::string gguf_architecture() const override { return "llama"; }

  DecoderFeatures features(const Json& config, ProblemList& problems) const override {
    const ConfigReader reader(config, problems);
    auto f = features_from_config(reader, kStyle);
    f.qkv_bias = f.attention_output_bias = reader.flag("attention_bias", false);
    f.mlp_bias = reader.flag("mlp_bias", false);
    return f;
  }
  std::vector<TensorNames> tensor_names(const DecoderFeatures& features) const override {
    return tensor_names_of(features, {.interleaves_in_gguf = true});
  }
  Json config(const DecoderFeatures& features) const override {
    auto config = config_from_features(features, kStyle);
    config["mlp_bias"] = features.mlp_bias;
    return config;
  }
  bool reads_gguf(const GgufFile& file) const override {
    return Family::reads_gguf(file) && file.optional_u32("llama.expert_count").value_or(0) == 0;
  }
};

}  // namespace
}  // namespace llama

const Family& llama_family() {
  static const llama::Llama family;
  return family;
}

}  // namespace sqpsych
