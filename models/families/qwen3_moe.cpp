#include "models/families/config_features.h"
#include "models/families/family.h"
#include "models/families/gguf_features.h"

namespace sqpsych {
namespace qwen3_moe {
namespace {

constexpr ConfigStyle kStyle = {
    .model_type = "qwen3_moe", .architecture = "Qwen3MoeForCausalLM", .window = 4096};

/// Every layer has experts in all published models.
void check_layers(const ConfigReader& reader) {
  if (reader.integer("decoder_sparse_step", 1, 1, kMaxSize) != 1)
    reader.problem("decoder_sparse_step: found more than 1, expected experts in every layer.");
  const auto* dense = reader.find("mlp_only_layers");
  if (dense && !dense->empty())
    reader.problem("mlp_only_layers: found " + dense->dump() +
                   ", expected []: experts in every layer.");
}

class Qwen3Moe final : public Family {
 public:
  std::string name() const override { return "qwen3_moe"; }
  std::vector<std::string> architectures() const override { return {"Qwen3MoeForCausalLM"}; }
  std::string gguf_architecture() const override { return "qwen3moe"; }

  DecoderFeatures features(const Json& config, ProblemList& problems) const override {
    const ConfigReader reader(config, problems);
    auto f = features_from_config(reader, kStyle);
    f.head_norm = HeadNorm::kShared;
    f.qkv_bias = f.attention_output_bias = reader.flag("attention_bias", false);
    const auto* key = reader.find("num_experts") ? "num_experts" : "num_local_experts";
    f.experts.count = reader.integer(key, 128, 1, kMaxExperts);
    f.experts.per_token = reader.integer("num_experts_per_tok", 8, 1, f.experts.count);
    f.experts.intermediate_size = reader.integer("moe_intermediate_size", 768, 1, kMaxSize);
    f.experts.normalised = reader.flag("norm_topk_prob", false);
    check_layers(reader);
    if (reader.flag("use_sliding_window", false)) read_windows(reader, kStyle, f, every_layer);
    return f;
  }
  Json config(const DecoderFeatures& features) const override {
    auto config = config_from_features(features, kStyle);
    config["use_sliding_window"] = window_of(features) > 0;
    config["num_experts"] = features.experts.count;
    config["num_experts_per_tok"] = features.experts.per_token;
    config["moe_intermediate_size"] = features.experts.intermediate_size;
    config["norm_topk_prob"] = features.experts.normalised;
    config["decoder_sparse_step"] = 1;
    config["mlp_only_layers"] = Json::array();
    return config;
  }
  void complete(DecoderFeatures& features) const override {
    features.head_norm = HeadNorm::kShared;
    features.experts = {8, 2, features.intermediate_size / 2, true};
  }
  void write_gguf_keys(const DecoderFeatures& features, GgufWriter& writer) const override {
    refuse_in_gguf(gguf_architecture(), features.attention_output_bias, "attention biases");
    refuse_in_gguf(gguf_architecture(), !features.experts.normalised, "norm_topk_prob false");
    Family::write_gguf_keys(features, writer);
  }
};

}  // namespace
}  // namespace qwen3_moe

const Family& qwen3_moe_family() {
  static const qwen3_moe::Qwen3Moe family;
  return family;
}

}  // namespace sqpsych
