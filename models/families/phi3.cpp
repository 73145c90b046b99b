#include "models/families/config_features.h"
#include "models/families/family.h"
#include "models/families/gguf_features.h"

namespace sqpsych {
namespace phi3 {
namespace {

constexpr ConfigStyle kStyle = {.model_type = "phi3",
                                .architecture = "Phi3ForCausalLM",
                                .norm_eps = 1e-5,
                                .rotates_partially = true};

/// "yarn" in these configs means per-frequency divisors, as "su" does.
Json with_longrope(Json config) {
  for (const char* key : {"rope_scaling", "rope_parameters"}) {
    const auto block = config.find(key);
    if (block == config.end() || !block->is_object() || !block->contains("long_factor")) continue;
    for (const char* type : {"type", "rope_type"})
      if (block->contains(type) && (*block)[type] == "yarn") (*block)[type] = "longrope";
  }
  return config;
}

class Phi3 final : public Family {
 public:
  std::string name() const override { return "phi3"; }
  std::vector<std::string> architectures() const override { return {"Phi3ForCausalLM"}; }
  std::string gguf_architecture() const override { return "phi3"; }

  DecoderFeatures features(const Json& config, ProblemList& problems) const override {
    const auto normal = with_longrope(config);
    const ConfigReader reader(normal, problems);
    auto f = features_from_config(reader, kStyle);
    f.fused_qkv = f.fused_gate_up = true;
    read_windows(reader, kStyle, f, every_layer);
    return f;
  }
  Json config(const DecoderFeatures& features) const override {
    auto config = config_from_features(features, kStyle);
    if (std::holds_alternative<std::monostate>(features.rope.scaling))
      config["original_max_position_embeddings"] = features.context_length;
    return config;
  }
  void complete(DecoderFeatures& features) const override {
    features.fused_qkv = features.fused_gate_up = true;
  }
  void write_gguf_keys(const DecoderFeatures& features, GgufWriter& writer) const override {
    refuse_free_heads(gguf_architecture(), features);
    Family::write_gguf_keys(features, writer);
    if (!writer.find("phi3.rope.scaling.original_context_length"))
      writer.set("phi3.rope.scaling.original_context_length",
                 static_cast<std::uint32_t>(features.context_length));
    // Absent means 2047 to runtimes that model the window; 0 is "none".
    writer.set("phi3.attention.sliding_window", static_cast<std::uint32_t>(window_of(features)));
  }
};

}  // namespace
}  // namespace phi3

const Family& phi3_family() {
  static const phi3::Phi3 family;
  return family;
}

}  // namespace sqpsych
