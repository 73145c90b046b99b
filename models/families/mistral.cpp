#include "models/families/config_features.h"
#include "models/families/family.h"
#include "models/families/name_table.h"
#include "models/families/wrapper.h"

namespace sqpsych {
namespace mistral {
namespace {

// The window is that of Mistral 7B v0.1 (Jiang et al. 2023, arXiv 2310.06825).
constexpr ConfigStyle kStyle = {
    .model_type = "mistral", .architecture = "MistralForCausalLM", .window = 4096};

class Mistral final : public Family {
 public:
  std::string name() const override { return "mistral"; }
  /// mistral3: Small 3.1 and later, with a vision tower.
  std::vector<std::string> model_types() const override { return {"mistral", "mistral3"}; }
  std::vector<std::string> architectures() const override {
    return {"MistralForCausalLM", "Mistral3ForConditionalGeneration"};
  }
  std::string gguf_architecture() const override { return "llama"; }

  Json text_config(const Json& config) const override { return text_config_of(config, kStyle); }
  std::string canonical_name(const std::string& stored) const override {
    return name_inside_wrapper(stored);
  }
  DecoderFeatures features(const Json& config, ProblemList& problems) const override {
    const ConfigReader reader(config, problems);
    auto f = features_from_config(reader, kStyle);
    read_windows(reader, kStyle, f, every_layer);
    return f;
  }
  std::vector<TensorNames> tensor_names(const DecoderFeatures& features) const override {
    return tensor_names_of(features, {.interleaves_in_gguf = true});
  }
  Json config(const DecoderFeatures& features) const override {
    return config_from_features(features, kStyle);
  }
  void complete(DecoderFeatures& features) const override {
    set_windows(features, window_for_context(kStyle.window, features), every_layer);
  }
  /// Such files cannot be told from those of the architecture's own family.
  bool reads_gguf(const GgufFile&) const override { return false; }
};

}  // namespace
}  // namespace mistral

const Family& mistral_family() {
  static const mistral::Mistral family;
  return family;
}

}  // namespace sqpsych
