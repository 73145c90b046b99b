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
/// What some publishers write down of a decoder that has no other choice; transformers reads none.
struct Constant {
  const char* key;
  const char* value;
};
constexpr Constant kConstants[] = {{"use_parallel_block", "true"},
                                   {"use_parallel_embedding", "true"},
                                   {"use_embedding_sharing", "true"},
                                   {"use_gated_activation", "true"},
                                   {"position_embedding_type", "\"rope_gptj\""},
                                   {"rotary_pct", "1.0"},
                                   {"layer_switch", "4"},
                                   {"order_of_interleaved_layers", "\"local_attn_first\""}};
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

bool is_constant(const std::string& key, const Json& value) {
  return std::any_of(std::begin(kConstants), std::end(kConstants), [&](const Constant& known) {
    return key == known.key && value == Json::parse(known.value);
  });
}

/// Whether a block says the same as another key beside it or above it.
bool is_repeated(const Json& config, const Json& block, const std::string& key) {
  if (key == "type") return block.contains("rope_type");
  return config.contains(key) && config[key] == block[key];
}

/// Looks for settings that can take any value without anybody noticing.
class Prober {
 public:
  Prober(const Family& family, const Json& config)
      : family_(family), config_(config), usual_(problems_of(family, config)) {}

  bool is_read(const Json::json_pointer& place) const {
    // A value of another kind is a problem wherever somebody looks at it.
    const std::vector<Json> probes = {Json::object({{"kind", "probe"}}), "probe"};
    return std::any_of(probes.begin(), probes.end(), [&](const Json& probe) {
      Json probed = config_;
      probed[place] = probe;
      return problems_of(family_, probed) != usual_;
    });
  }
  /// Keys of the block at `place` and of the blocks in it.
  void add_unread(const Json::json_pointer& place, const std::string& name,
                  std::vector<std::string>& unread) const {
    const Json& block = config_[place];
    for (const auto& [key, value] : block.items()) {
      if (asks_for_nothing(value) || is_repeated(config_, block, key)) continue;
      const auto here = format("{}.{}", name, key);
      if (value.is_object())
        add_unread(place / key, here, unread);
      else if (!is_read(place / key))
        unread.push_back(shown(here, value));
    }
  }

 private:
  const Family& family_;
  const Json& config_;
  std::string usual_;
};

}  // namespace

std::vector<std::string> unread_settings(const Family& family, const Json& config) {
  const Prober prober(family, config);
  std::vector<std::string> unread;
  for (const auto& [key, value] : config.items()) {
    if (asks_for_nothing(value) || contains(kBookkeeping, key) || is_constant(key, value) ||
        is_turned_off(config, key))
      continue;
    const auto place = Json::json_pointer() / key;
    if (!prober.is_read(place))
      unread.push_back(shown(key, value));
    else if (value.is_object())
      prober.add_unread(place, key, unread);
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

std::vector<std::string> unread_tokenizer_settings(const Json& tokenizer_config,
                                                   const Tokenizer& tokenizer) {
  const auto letter = tokenizer.encode_ids("a", false);
  const auto first = letter.empty() ? "" : tokenizer.token_of(letter.front());
  const bool puts_space = first.starts_with("\u2581") || first.starts_with("\u0120");
  const bool lowers_case = tokenizer.encode_ids("A", false) == letter;
  const std::pair<const char*, bool> followed[] = {{"add_prefix_space", puts_space},
                                                   {"do_lower_case", lowers_case},
                                                   {"split_special_tokens", false}};
  std::vector<std::string> unread;
  if (!tokenizer_config.is_object()) return unread;
  for (const auto& [key, does] : followed)
    if (const auto found = tokenizer_config.find(key);
        found != tokenizer_config.end() && found->is_boolean() && *found != does)
      unread.push_back(shown(key, *found));
  return unread;
}

}  // namespace sqpsych
