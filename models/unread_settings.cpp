#include "models/unread_settings.h"

#include <algorithm>
#include <array>

#include "core/text.h"

namespace sqpsych {
namespace {

/// Bookkeeping of transformers, initial values, and what other parts of the program read.
constexpr std::array kBookkeeping = {"_name_or_path",
                                     "architectures",
                                     "auto_map",
                                     "bos_token_id",
                                     "cache_implementation",
                                     "dtype",
                                     "eos_token_id",
                                     "id2label",
                                     "initializer_factor",
                                     "initializer_range",
                                     "label2id",
                                     "model_type",
                                     "num_labels",
                                     "pad_token_id",
                                     "pretraining_tp",
                                     "return_dict",
                                     "router_aux_loss_coef",
                                     "tokenizer_class",
                                     "torch_dtype",
                                     "transformers_version",
                                     "unk_token_id",
                                     "unsloth_fixed",
                                     "unsloth_version",
                                     "use_cache"};
/// Keys that mean nothing where the second one stands.
struct Superseded {
  const char* key;
  const char* by;
};
constexpr Superseded kSuperseded[] = {
    {"_sliding_window_pattern", "layer_types"}, {"sliding_window_pattern", "layer_types"},
    {"max_window_layers", "layer_types"},       {"no_rope_layer_interval", "no_rope_layers"},
    {"hidden_act", "hidden_activation"},        {"rope_theta", "rope_parameters"},
    {"rope_scaling", "rope_parameters"},        {"num_local_experts", "num_experts"},
    {"num_experts", "num_local_experts"}};
constexpr std::array kGenerationBookkeeping = {
    "_from_model_config", "bos_token_id", "cache_implementation", "do_sample",
    "eos_token_id",       "pad_token_id", "transformers_version", "use_cache"};

template <class Names>
bool contains(const Names& names, const std::string& key) {
  return std::find(names.begin(), names.end(), key) != names.end();
}

bool asks_for_nothing(const Json& value) {
  return value.is_null() || value == false || value == 0 ||
         ((value.is_structured() || value.is_string()) && value.empty());
}

std::string problems_of(const Family& family, const Json& config) {
  ProblemList problems;
  family.features(config, problems);
  return problems.text("");
}

std::string shown(const std::string& key, const Json& value) {
  constexpr std::size_t kLongest = 60;
  auto text = value.dump();
  if (text.size() > kLongest) text = text.substr(0, kLongest) + "...";
  return key + ": " + text;
}

/// By the config itself: another key stands for it, windows or scaling are off.
bool is_turned_off(const Json& config, const std::string& key) {
  const auto is_superseded = [&](const Superseded& rule) {
    return key == rule.key && config.contains(rule.by) && !config[rule.by].is_null();
  };
  if (std::any_of(std::begin(kSuperseded), std::end(kSuperseded), is_superseded)) return true;
  const auto is_off = [&](const char* other) {
    return asks_for_nothing(config.value(other, Json()));
  };
  if (key == "original_max_position_embeddings")
    return is_off("rope_scaling") && is_off("rope_parameters");
  return (key == "sliding_window" || key == "max_window_layers" || key == "layer_types") &&
         config.contains("use_sliding_window") && is_off("use_sliding_window");
}

}  // namespace

std::vector<std::string> unread_settings(const Family& family, const Json& config) {
  // A value of another kind is a problem wherever somebody looks at it.
  const std::vector<Json> probes = {Json::object({{"kind", "probe"}}), "probe"};
  const auto usual = problems_of(family, config);
  std::vector<std::string> unread;
  for (const auto& [key, value] : config.items()) {
    if (asks_for_nothing(value) || contains(kBookkeeping, key) || is_turned_off(config, key))
      continue;
    const auto is_ignored = [&, name = key](const Json& probe) {
      Json probed = config;
      probed[name] = probe;
      return problems_of(family, probed) == usual;
    };
    if (std::all_of(probes.begin(), probes.end(), is_ignored)) unread.push_back(shown(key, value));
  }
  return unread;
}

std::vector<std::string> unread_generation_settings(const Json& generation_config) {
  std::vector<std::string> unread;
  if (!generation_config.is_object()) return unread;
  for (const auto& [key, value] : generation_config.items())
    if (!asks_for_nothing(value) && !contains(kGenerationBookkeeping, key))
      unread.push_back(shown(key, value));
  return unread;
}

}  // namespace sqpsych
