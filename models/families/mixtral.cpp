#include "models/families/config_features.h"
#include "models/families/family.h"
#include "models/families/name_table.h"

namespace sqpsych {
namespace mixtral {
namespace {

constexpr ConfigStyle kStyle = {.model_type = "mixtral",
                                .architecture = "MixtralForCausalLM",
                                .norm_eps = 1e-5,
                                .rope_base = 1e6};

class Mixtral final : public Family {
 public:
  std::string name() const override { return "mixtral"; }
  std::vector<std::string> architectures() const override { return {"MixtralForCausalLM"}; }
  std::string gguf_architecture() const override { return "llama"; }

  DecoderFeatures features(const Json& config, ProblemList& problems) const override {
    const ConfigReader reader(config, problems);
    auto f = features_from_config(reader, kStyle);
    f.experts.count = reader.integer("num_local_experts", 8, 1, kMaxExperts);
    f.experts.per_token = reader.integer("num_experts_per_tok", 2, 1, f.experts.count);
    f.experts.intermediate_size = f.intermediate_size;
    read_windows(reader, kStyle, f, every_layer);
    return f;
  }
  std::vector<TensorNames> tensor_names(const DecoderFeatures& features) const override {
    return tensor_names_of(features, {.interleaves_in_gguf = true,
                                      .expert_block = "block_sparse_moe",
                                      .expert_gate = "w1",
                                      .expert_up = "w3",
                                      .expert_down = "w2"});
  }
  Json config(const DecoderFeatures& features) const override {
    auto config = config_from_features(features, kStyle);
    config["num_local_experts"] = features.experts.count;
    config["num_experts_per_tok"] = features.experts.per_token;
    return config;
  }
  void complete(DecoderFeatures& features) const override {
    features.experts = {4, 2, features.intermediate_size, true};
  }
  bool reads_gguf(const GgufFile& file) const override {
    return Family::reads_gguf(file) && file.optional_u32("llama.expert_count").value_or(0) > 0;
  }
};

}  // namespace
}  // namespace mixtral

const Family& mixtral_family() {
  static const mixtral::Mixtral family;
  return family;
}

}  // namespace sqpsych
