#include <cmath>

#include "core/text.h"
#include "models/codecs/codec.h"
#include "models/exporters/rules/gguf_rules.h"
#include "models/weights/gguf_types.h"

namespace sqpsych {
namespace {

constexpr std::int64_t kMaxGgufLayers = 512;  // LLAMA_MAX_LAYERS
constexpr std::uint32_t kExpectedQuantizationVersion = 2;
constexpr std::int64_t kMaxGgufSize = std::int64_t{1}
                                      << 30;  // keeps every product of sizes in int64

/// A key that the loader reads as one number, or as one per layer.
std::vector<std::int64_t> per_layer(GgufExamination& examination, const std::string& key,
                                    std::int64_t layers) {
  const auto* found = examination.file.find(key);
  if (!found) return {};
  std::vector<std::int64_t> values;
  if (const auto* one = std::get_if<std::uint32_t>(found))
    values.assign(static_cast<std::size_t>(layers), *one);
  else if (const auto* many = std::get_if<std::vector<std::uint32_t>>(found))
    values.assign(many->begin(), many->end());
  else if (const auto* numbers = std::get_if<std::vector<std::int32_t>>(found))
    values.assign(numbers->begin(), numbers->end());
  else
    examination.add("key-type", format("{}: found {}, expected u32 or one number per layer", key,
                                       gguf_type_name(*found)));
  if (values.empty()) return {};
  if (std::ssize(values) != layers) {
    examination.add("key-value", format("{}: found {} numbers, expected one per layer ({})", key,
                                        values.size(), layers));
    return {};
  }
  for (auto value : values)
    if (value < 1 || value > kMaxGgufSize) {
      examination.add("key-value",
                      format("{}: found {}, expected 1 to {}", key, value, kMaxGgufSize));
      return {};
    }
  return values;
}

std::optional<std::int64_t> size_value(GgufExamination& examination, const std::string& key,
                                       bool is_required) {
  const auto* value = is_required ? examination.required<std::uint32_t>(key)
                                  : examination.value<std::uint32_t>(key);
  if (!value) return std::nullopt;
  if (*value >= 1 && *value <= kMaxGgufSize) return *value;
  examination.add("key-value", format("{}: found {}, expected 1 to {}", key, *value, kMaxGgufSize));
  return std::nullopt;
}

void check_positive(GgufExamination& examination, const std::string& key, bool is_required) {
  const auto* value =
      is_required ? examination.required<float>(key) : examination.value<float>(key);
  if (value && !(std::isfinite(*value) && *value > 0))
    examination.add("key-value", format("{}: found {}, expected a number above 0", key, *value));
}

/// Optional keys whose type alone matters to the loader.
void check_optional_types(GgufExamination& examination, const std::string& prefix) {
  examination.value<std::uint32_t>(prefix + "vocab_size");
  examination.value<std::uint32_t>(prefix + "rope.scaling.original_context_length");
  examination.value<bool>(prefix + "rope.scaling.finetuned");
  for (const char* key :
       {"rope.scaling.factor", "rope.scaling.attn_factor", "rope.scaling.yarn_ext_factor",
        "rope.scaling.yarn_attn_factor", "rope.scaling.yarn_beta_fast",
        "rope.scaling.yarn_beta_slow", "attn_logit_softcapping", "final_logit_softcapping"})
    examination.value<float>(prefix + key);
  const auto window = prefix + "attention.sliding_window";
  if (const auto* found = examination.file.find(window);
      found && !std::holds_alternative<std::vector<std::uint32_t>>(*found) &&
      !std::holds_alternative<std::vector<std::int32_t>>(*found))
    examination.value<std::uint32_t>(window);
  for (const char* key : {"rope.freq_base", "rope.freq_base_swa"})
    check_positive(examination, prefix + key, false);
}

void check_rope_scaling(GgufExamination& examination, const std::string& key) {
  static const std::vector<std::string> known = {"none", "linear", "yarn", "longrope"};
  const auto* type = examination.value<std::string>(key);
  if (type && std::find(known.begin(), known.end(), *type) == known.end())
    examination.add("rope-scaling", format("{}: found '{}', expected one of {}. Llama-3 scaling is "
                                           "written as the tensor rope_freqs.weight",
                                           key, *type, quoted_list(known)));
}

void check_head_sizes(GgufExamination& examination, const GgufArchitecture& architecture,
                      const GgufHyperparameters& sizes, const std::string& prefix) {
  for (std::size_t layer = 0; layer < sizes.heads.size(); ++layer)
    if (sizes.heads[layer] % sizes.kv_heads[layer] != 0)
      return examination.add(
          "key-value",
          format("{}attention.head_count_kv: found {} for {} heads, expected a divisor", prefix,
                 sizes.kv_heads[layer], sizes.heads[layer]));
  if (architecture.rotates_whole_head && sizes.rope_dimensions != sizes.key_length)
    examination.add("rope-dimensions", format("{}rope.dimension_count: found {}, expected the key "
                                              "length {}",
                                              prefix, sizes.rope_dimensions, sizes.key_length));
  if (architecture.derives_head_size && sizes.key_length * sizes.heads.front() != sizes.embedding)
    examination.add("head-size",
                    format("{}attention.key_length: found {}, expected embedding_length "
                           "/ head_count = {}",
                           prefix, sizes.key_length, sizes.embedding / sizes.heads.front()));
}

void read_experts(GgufExamination& examination, const GgufArchitecture& architecture,
                  const std::string& prefix, GgufHyperparameters& sizes) {
  const auto* found = examination.value<std::uint32_t>(prefix + "expert_count");
  sizes.experts = found ? std::min<std::int64_t>(*found, kMaxGgufSize) : 0;
  const bool is_wrong = sizes.experts > 0 ? architecture.experts == GgufExpertRule::kDense
                                          : architecture.experts == GgufExpertRule::kMixture;
  if (is_wrong)
    return examination.add(
        "architecture", format("{}expert_count: found {}, expected {} model", prefix, sizes.experts,
                               sizes.experts > 0 ? "a dense" : "a mixture"));
  if (sizes.experts == 0) return;
  const auto used = size_value(examination, prefix + "expert_used_count", true);
  if (used && *used > sizes.experts)
    examination.add("key-value", format("{}expert_used_count: found {}, expected 1 to {}", prefix,
                                        *used, sizes.experts));
  sizes.expert_feed_forward =
      size_value(examination, prefix + "expert_feed_forward_length", false).value_or(0);
}

}  // namespace

void GgufExamination::add_type_finding(const std::string& key, const GgufValue& found,
                                       const GgufValue& expected) {
  add("key-type", format("{}: found {}, expected {}: the loader takes no other type", key,
                         gguf_type_name(found), gguf_type_name(expected)));
}

void GgufExamination::add_missing_finding(const std::string& key) {
  add("key-missing", format("{}: found nothing, expected the key", key));
}

const GgufArchitecture* check_architecture(GgufExamination& examination) {
  const auto* name = examination.required<std::string>("general.architecture");
  if (!name) return nullptr;
  const auto* architecture = gguf_architecture(*name);
  if (!architecture)
    examination.add("architecture", format("general.architecture: found '{}', expected one of {}",
                                           *name, quoted_list(gguf_architecture_names())));
  return architecture;
}

void check_general_keys(GgufExamination& examination) {
  for (const char* key : {"general.type", "general.name", "general.basename", "general.size_label",
                          "general.license", "general.description", "general.finetune"})
    examination.value<std::string>(key);
  examination.value<std::uint32_t>("general.file_type");
  const auto* version = examination.value<std::uint32_t>("general.quantization_version");
  const auto& tensors = examination.file.tensors();
  const bool is_quantised = std::any_of(tensors.begin(), tensors.end(), [](const auto& tensor) {
    return ggml_layout(tensor.type)->block_elements > 1;
  });
  const bool is_absent = !examination.file.find("general.quantization_version");
  const bool is_wrong =
      version ? *version != kExpectedQuantizationVersion : is_absent && is_quantised;
  if (is_wrong)
    examination.add(
        "quantization-version",
        format("general.quantization_version: found {}, expected {} in a quantised file",
               version ? std::to_string(*version) : "nothing", kExpectedQuantizationVersion));
}

std::optional<GgufHyperparameters> check_hyperparameters(GgufExamination& examination,
                                                         const GgufArchitecture& architecture) {
  const auto prefix = architecture.name + ".";
  size_value(examination, prefix + "context_length", true);
  check_positive(examination,
                 prefix + (architecture.uses_layer_norm ? "attention.layer_norm_epsilon"
                                                        : "attention.layer_norm_rms_epsilon"),
                 true);
  check_positive(examination, prefix + "logit_scale", architecture.needs_logit_scale);
  if (architecture.needs_window) size_value(examination, prefix + "attention.sliding_window", true);
  check_rope_scaling(examination, prefix + "rope.scaling.type");
  check_optional_types(examination, prefix);
  const auto embedding = size_value(examination, prefix + "embedding_length", true);
  const auto layers = size_value(examination, prefix + "block_count", true);
  if (layers && *layers > kMaxGgufLayers) {
    examination.add("key-value", format("{}block_count: found {}, expected at most {}", prefix,
                                        *layers, kMaxGgufLayers));
    return std::nullopt;
  }
  for (const char* key : {"feed_forward_length", "attention.head_count"})
    if (!examination.file.find(prefix + key)) examination.required<std::uint32_t>(prefix + key);
  if (!embedding || !layers) return std::nullopt;
  GgufHyperparameters sizes;
  sizes.embedding = *embedding;
  sizes.layers = *layers;
  sizes.feed_forward = per_layer(examination, prefix + "feed_forward_length", *layers);
  sizes.heads = per_layer(examination, prefix + "attention.head_count", *layers);
  const auto kv_key = prefix + "attention.head_count_kv";
  sizes.kv_heads =
      examination.file.find(kv_key) ? per_layer(examination, kv_key, *layers) : sizes.heads;
  if (sizes.feed_forward.empty() || sizes.heads.empty() || sizes.kv_heads.empty())
    return std::nullopt;
  const auto derived = *embedding / sizes.heads.front();
  const auto size_or = [&](const char* key, std::int64_t absent) {
    return size_value(examination, prefix + key, false).value_or(absent);
  };
  sizes.key_length = size_or("attention.key_length", derived);
  sizes.value_length = size_or("attention.value_length", derived);
  sizes.rope_dimensions = size_or("rope.dimension_count", sizes.key_length);
  check_head_sizes(examination, architecture, sizes, prefix);
  read_experts(examination, architecture, prefix, sizes);
  return sizes;
}

}  // namespace sqpsych
