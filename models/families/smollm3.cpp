#include "core/text.h"
#include "models/families/config_features.h"
#include "models/families/family.h"
#include "models/families/gguf_features.h"
#include "models/families/name_table.h"

namespace sqpsych {
namespace smollm3 {
namespace {

constexpr ConfigStyle kStyle = {.model_type = "smollm3",
                                .architecture = "SmolLM3ForCausalLM",
                                .rope_base = 2e6,
                                .tied_embeddings = true};
constexpr std::int64_t kUnrotatedPeriod = 4;  // fixed in llama.cpp (n_no_rope_layer_step)

void leave_unrotated(DecoderFeatures& f, std::int64_t period) {
  f.layers.resize(static_cast<std::size_t>(f.num_layers));
  for (std::int64_t i = 0; i < f.num_layers; ++i)
    if ((i + 1) % period == 0) f.layers[static_cast<std::size_t>(i)].rope = RopeChoice::kNone;
}

bool has_usual_pattern(const DecoderFeatures& f) {
  for (std::int64_t i = 0; i < f.num_layers; ++i)
    if ((f.layer(i).rope == RopeChoice::kNone) != ((i + 1) % kUnrotatedPeriod == 0)) return false;
  return true;
}

/// no_rope_layers holds 1 for layers that rotate, in spite of its name.
void read_unrotated(const ConfigReader& reader, DecoderFeatures& f) {
  const auto* listed = reader.find("no_rope_layers");
  if (!listed)
    return leave_unrotated(
        f, reader.integer("no_rope_layer_interval", kUnrotatedPeriod, 1, kMaxLayers));
  f.layers.resize(static_cast<std::size_t>(f.num_layers));
  if (!listed->is_array() || std::ssize(*listed) < f.num_layers)
    return reader.problem(format("no_rope_layers: found {}, expected a 0 or 1 per layer ({}).",
                                 listed->dump(), f.num_layers));
  for (std::size_t i = 0; i < f.layers.size(); ++i)
    if ((*listed)[i] == 0) f.layers[i].rope = RopeChoice::kNone;
}

class SmolLm3 final : public Family {
 public:
  std::string name() const override { return "smollm3"; }
  std::vector<std::string> architectures() const override { return {"SmolLM3ForCausalLM"}; }
  std::string gguf_architecture() const override { return "smollm3"; }

  DecoderFeatures features(const Json& config, ProblemList& problems) const override {
    const ConfigReader reader(config, problems);
    auto f = features_from_config(reader, kStyle);
    f.qkv_bias = f.attention_output_bias = reader.flag("attention_bias", false);
    f.mlp_bias = reader.flag("mlp_bias", false);
    read_unrotated(reader, f);
    if (reader.flag("use_sliding_window", false))
      read_windows(reader, kStyle, f,
                   [&f](std::int64_t layer) { return f.layer(layer).rope == RopeChoice::kNone; });
    return f;
  }
  std::vector<TensorNames> tensor_names(const DecoderFeatures& features) const override {
    return tensor_names_of(features, {.interleaves_in_gguf = true});
  }
  Json config(const DecoderFeatures& f) const override {
    auto config = config_from_features(f, kStyle);
    config["mlp_bias"] = f.mlp_bias;
    config["use_sliding_window"] = window_of(f) > 0;
    auto rotated = Json::array();
    for (std::int64_t i = 0; i < f.num_layers; ++i)
      rotated.push_back(f.layer(i).rope == RopeChoice::kNone ? 0 : 1);
    config["no_rope_layers"] = rotated;
    return config;
  }
  void complete(DecoderFeatures& features) const override {
    features.rope.base = kStyle.rope_base;
    leave_unrotated(features, kUnrotatedPeriod);
  }
  void write_gguf_keys(const DecoderFeatures& features, GgufWriter& writer) const override {
    refuse_in_gguf(gguf_architecture(), !has_usual_pattern(features),
                   "another pattern of unrotated layers than one in four");
    Family::write_gguf_keys(features, writer);
  }
  DecoderFeatures features_from_gguf(const GgufFile& file) const override {
    auto f = features_from_gguf_keys(file, gguf_architecture());
    leave_unrotated(f, kUnrotatedPeriod);
    return f;
  }
};

}  // namespace
}  // namespace smollm3

const Family& smollm3_family() {
  static const smollm3::SmolLm3 family;
  return family;
}

}  // namespace sqpsych
