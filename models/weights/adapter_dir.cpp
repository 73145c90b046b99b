#include "models/weights/adapter_dir.h"

#include <ATen/ops/isfinite.h>

#include <cmath>
#include <optional>
#include <regex>

#include "core/error.h"
#include "core/json_lines.h"
#include "core/text.h"
#include "models/weights/safetensors.h"

namespace fs = std::filesystem;

namespace sqpsych {
namespace {

constexpr const char* kConfigFile = "adapter_config.json";
constexpr const char* kWeightsFile = "adapter_model.safetensors";
constexpr std::string_view kPrefix = "base_model.model.";
constexpr std::string_view kSuffixA = ".lora_A.weight";
constexpr std::string_view kSuffixB = ".lora_B.weight";
// Names are matched by std::regex, which recurses once for every character.
constexpr std::size_t kLongestModuleBytes = 512;

/// Settings of PEFT's LoraConfig that change what the adapter computes in ways that two factors
/// and a scale cannot express.
void check_config(const Json& config, ProblemList& problems) {
  const auto type = config.value("peft_type", Json());
  if (type != "LORA") problems.add(format("peft_type: found {}, expected \"LORA\"", type.dump()));
  const auto is_set = [&](const char* key) {
    const auto found = config.find(key);
    return found != config.end() && !found->is_null() && *found != false && !found->empty();
  };
  for (const char* key :
       {"use_dora", "lora_bias", "fan_in_fan_out", "modules_to_save", "layer_replication",
        "target_parameters", "alora_invocation_tokens", "use_qalora", "trainable_token_indices"})
    if (is_set(key))
      problems.add(format("{}: found {}, expected it unset. Merge this adapter with PEFT first",
                          key, config[key].dump()));
  const auto bias = config.value("bias", Json("none"));
  if (bias != "none") problems.add(format("bias: found {}, expected \"none\"", bias.dump()));
  const auto init = config.value("init_lora_weights", Json(true));
  for (const char* changing : {"pissa", "olora", "corda", "loftq"})
    if (init.is_string() && init.get<std::string>().starts_with(changing))
      problems.add(
          format("init_lora_weights: found {}, which changes the base weights too, expected "
                 "true. Convert the adapter with PEFT first",
                 init.dump()));
}

/// What `pattern` (rank_pattern, alpha_pattern) says for a module, as PEFT looks it up: the first
/// key that matches the whole name or what follows one of its dots.
std::optional<double> pattern_value(const Json& config, const char* pattern,
                                    const std::string& module, ProblemList& problems) {
  const auto found = config.find(pattern);
  if (found == config.end() || !found->is_object()) return std::nullopt;
  for (const auto& [key, value] : found->items()) {
    try {
      if (!std::regex_match(module, std::regex("(.*\\.)?(" + key + ")"))) continue;
    } catch (const std::regex_error&) {
      problems.add(format("{}: found '{}', expected a regular expression", pattern, key));
      continue;
    }
    if (value.is_number()) return value.get<double>();
    problems.add(format("{}: '{}': found {}, expected a number", pattern, key, value.dump()));
  }
  return std::nullopt;
}

struct Halves {
  at::Tensor a_RI;
  at::Tensor b_OR;
};

/// Sorts the file's tensors into pairs by module; anything else is a problem.
std::map<std::string, Halves> read_halves(const SafetensorsFile& file, ProblemList& problems) {
  std::map<std::string, Halves> modules;
  for (const auto& [name, entry] : file.entries()) {
    const bool is_a = name.ends_with(kSuffixA);
    if (!name.starts_with(kPrefix) || (!is_a && !name.ends_with(kSuffixB))) {
      problems.add(
          format("tensor '{}': found a name that is no LoRA factor, expected "
                 "base_model.model.MODULE.lora_A.weight or .lora_B.weight",
                 name));
      continue;
    }
    const auto tensor = file.tensor(name);
    if (tensor.dim() != 2 || !tensor.is_floating_point()) {
      problems.add(format("tensor '{}': found {} [{}], expected a floating-point matrix", name,
                          entry.dtype, number_list(entry.shape)));
      continue;
    }
    if (!at::isfinite(tensor).all().item<bool>())
      problems.add(format("tensor '{}': found NaN or infinite values, expected numbers", name));
    const auto suffix = is_a ? kSuffixA : kSuffixB;
    const auto module = name.substr(kPrefix.size(), name.size() - kPrefix.size() - suffix.size());
    if (module.size() > kLongestModuleBytes) {
      problems.add(format("tensor '{}...': found a module name of {} bytes, expected at most {}",
                          name.substr(0, 80), module.size(), kLongestModuleBytes));
      continue;
    }
    auto& halves = modules[module];
    (is_a ? halves.a_RI : halves.b_OR) = tensor;
  }
  return modules;
}

std::optional<AdapterFactors> factors_of(const std::string& module, const Halves& halves,
                                         const Json& config, ProblemList& problems) {
  if (!halves.a_RI.defined() || !halves.b_OR.defined()) {
    problems.add(format("module '{}': found only lora_{}, expected both halves", module,
                        halves.a_RI.defined() ? "A" : "B"));
    return std::nullopt;
  }
  const auto rank = halves.a_RI.size(0);
  const auto pattern_rank = pattern_value(config, "rank_pattern", module, problems);
  const auto expected = pattern_rank ? *pattern_rank : config.value("r", 0.0);
  if (rank != halves.b_OR.size(1) || static_cast<double>(rank) != expected || rank < 1) {
    problems.add(format("module '{}': found ranks {} (A) and {} (B), expected {}", module, rank,
                        halves.b_OR.size(1), expected));
    return std::nullopt;
  }
  const auto pattern_alpha = pattern_value(config, "alpha_pattern", module, problems);
  AdapterSettings settings;
  settings.r = rank;
  settings.alpha = pattern_alpha ? *pattern_alpha : config.value("lora_alpha", 0.0);
  settings.use_rslora = config.value("use_rslora", false);
  return AdapterFactors{halves.a_RI, halves.b_OR, settings.scale()};
}

void check_numbers(const Json& config, ProblemList& problems) {
  const auto r = config.value("r", Json());
  if (!r.is_number_integer() || r.get<std::int64_t>() < 1)
    problems.add(format("r: found {}, expected a whole number of at least 1", r.dump()));
  const auto alpha = config.value("lora_alpha", Json());
  if (!alpha.is_number())
    problems.add(format("lora_alpha: found {}, expected a number", alpha.dump()));
  const auto use_rslora = config.value("use_rslora", Json(false));
  if (!use_rslora.is_boolean())
    problems.add(format("use_rslora: found {}, expected true or false", use_rslora.dump()));
}

}  // namespace

double AdapterSettings::scale() const {
  const auto rank = static_cast<double>(r);
  return use_rslora ? alpha / std::sqrt(rank) : alpha / rank;
}

AdapterDir read_adapter_dir(const fs::path& folder) {
  for (const char* file : {kConfigFile, kWeightsFile})
    if (!fs::exists(folder / file))
      throw ResourceError(
          format("{}: {}: found nothing, expected a PEFT adapter folder. Check "
                 "--adapter.",
                 folder.string(), file));
  AdapterDir adapter;
  adapter.folder = folder;
  adapter.config = read_json(folder / kConfigFile);
  if (!adapter.config.is_object())
    throw FormatError(format("{}: found {}, expected a JSON object. The file is damaged.",
                             (folder / kConfigFile).string(), adapter.config.type_name()));
  ProblemList problems;
  check_config(adapter.config, problems);
  check_numbers(adapter.config, problems);
  problems.throw_if_any<FormatError>((folder / kConfigFile).string());
  const SafetensorsFile file(folder / kWeightsFile);
  for (const auto& [module, halves] : read_halves(file, problems))
    if (const auto factors = factors_of(module, halves, adapter.config, problems))
      adapter.modules[module] = *factors;
  if (problems.empty() && adapter.modules.empty())
    problems.add("found no LoRA factors, expected at least one module");
  problems.throw_if_any<FormatError>((folder / kWeightsFile).string());
  return adapter;
}

}  // namespace sqpsych
