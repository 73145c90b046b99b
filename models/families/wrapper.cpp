#include "models/families/wrapper.h"

#include <string_view>

namespace sqpsych {

Json text_config_of(const Json& config, const ConfigStyle& style) {
  const auto found = config.find("text_config");
  if (found == config.end() || !found->is_object()) return config;
  auto text = *found;
  if (!text.contains("model_type")) text["model_type"] = style.model_type;
  text["architectures"] = {style.architecture};
  for (const char* key : {"bos_token_id", "eos_token_id", "pad_token_id", "dtype", "torch_dtype",
                          "tie_word_embeddings", "license", "quantization_config"})
    if (config.contains(key)) text[key] = config[key];
  return text;
}

std::string name_inside_wrapper(const std::string& stored) {
  for (const std::string_view other : {"vision_tower.", "model.vision_tower.",
                                       "multi_modal_projector.", "model.multi_modal_projector."})
    if (stored.starts_with(other)) return "";
  constexpr std::string_view kOlder = "language_model.";
  constexpr std::string_view kNewer = "model.language_model.";
  if (stored.starts_with(kNewer)) return "model." + stored.substr(kNewer.size());
  return stored.starts_with(kOlder) ? stored.substr(kOlder.size()) : stored;
}

}  // namespace sqpsych
