#include <cmath>
#include <set>

#include "core/files.h"
#include "core/text.h"
#include "models/weights/adapter_dir.h"
#include "models/weights/safetensors.h"

namespace fs = std::filesystem;

namespace sqpsych {
namespace {

std::vector<std::string> last_segments(const std::map<std::string, AdapterFactors>& modules) {
  std::set<std::string> segments;
  for (const auto& [module, factors] : modules)
    segments.insert(module.substr(module.rfind('.') + 1));
  return {segments.begin(), segments.end()};
}

Json whole_if_possible(double number) {
  if (number == std::floor(number) && std::fabs(number) < 1e15)
    return static_cast<std::int64_t>(number);
  return number;
}

/// The fields of PEFT's LoraConfig that say what the weights mean.
Json config_of(const AdapterSettings& settings,
               const std::map<std::string, AdapterFactors>& modules) {
  Json rank_pattern = Json::object();
  Json alpha_pattern = Json::object();
  for (const auto& [module, factors] : modules) {
    auto own = settings;
    own.r = factors.a_RI.size(0);
    if (own.r != settings.r) rank_pattern[module] = own.r;
    if (const auto ratio = factors.scale / own.scale(); std::fabs(ratio - 1) > 1e-12)
      alpha_pattern[module] = whole_if_possible(settings.alpha * ratio);
  }
  const auto base = settings.base_model_name_or_path;
  const auto targets =
      settings.target_modules.empty() ? last_segments(modules) : settings.target_modules;
  return {{"peft_type", "LORA"},
          {"task_type", "CAUSAL_LM"},
          {"base_model_name_or_path", base.empty() ? Json(nullptr) : Json(base)},
          {"revision", nullptr},
          {"r", settings.r},
          {"lora_alpha", whole_if_possible(settings.alpha)},
          {"lora_dropout", settings.dropout},
          {"target_modules", targets},
          {"bias", "none"},
          {"use_rslora", settings.use_rslora},
          {"use_dora", false},
          {"rank_pattern", rank_pattern},
          {"alpha_pattern", alpha_pattern},
          {"modules_to_save", nullptr},
          {"fan_in_fan_out", false},
          {"init_lora_weights", true},
          {"inference_mode", true}};
}

std::string card(const AdapterSettings& settings, const Json& config) {
  const auto& base = settings.base_model_name_or_path;
  std::string text = "---\nlibrary_name: peft\npipeline_tag: text-generation\ntags:\n- lora\n";
  // Hub front matter takes repository ids only; a local folder is named in the text.
  if (split(base, "/").size() == 2 && fs::path(base).is_relative() && !fs::exists(base))
    text += "base_model: " + base + "\n";
  text += "---\n\n# LoRA adapter\n\n";
  text += format("Base model: `{}`\n\n", base.empty() ? "not recorded" : base);
  text += format("Rank {}, alpha {}{}, dropout {}, on {}.\n\n", settings.r,
                 config["lora_alpha"].dump(), settings.use_rslora ? " (rsLoRA)" : "",
                 settings.dropout, join(config["target_modules"], ", "));
  text +=
      "```python\nfrom peft import PeftModel\nmodel = PeftModel.from_pretrained(base, \"this "
      "folder\")\n```\n\n"
      "For research and education; not for patients, not for crises.\n";
  return text;
}

}  // namespace

void write_adapter_dir(const fs::path& folder, const AdapterSettings& settings,
                       const std::map<std::string, AdapterFactors>& modules) {
  fs::create_directories(folder);
  NamedTensors tensors;
  for (const auto& [module, factors] : modules) {
    tensors.emplace_back("base_model.model." + module + ".lora_A.weight", factors.a_RI);
    tensors.emplace_back("base_model.model." + module + ".lora_B.weight", factors.b_OR);
  }
  write_safetensors(folder / "adapter_model.safetensors", tensors);
  const auto config = config_of(settings, modules);
  write_file_atomic(folder / "adapter_config.json", config.dump(2) + "\n");
  write_file_atomic(folder / "README.md", card(settings, config));
}

}  // namespace sqpsych
