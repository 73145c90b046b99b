#include "models/families/family.h"

#include <ATen/TensorOperators.h>

#include <algorithm>

#include "core/text.h"
#include "models/families/gguf_features.h"
#include "models/families/name_table.h"

namespace sqpsych {

// One line per family; each is one file that defines its function.
const Family& cohere_family();
const Family& cohere2_family();
const Family& gemma2_family();
const Family& gemma3_family();
const Family& llama_family();
const Family& mistral_family();
const Family& mixtral_family();
const Family& phi3_family();
const Family& qwen2_family();
const Family& qwen3_family();
const Family& qwen3_moe_family();
const Family& smollm3_family();

std::vector<const Family*> families() {
  return {&llama_family(), &mistral_family(),   &mixtral_family(), &qwen2_family(),
          &qwen3_family(), &qwen3_moe_family(), &gemma2_family(),  &gemma3_family(),
          &phi3_family(),  &smollm3_family(),   &cohere_family(),  &cohere2_family()};
}

namespace {

std::vector<std::string> names_of_families() {
  std::vector<std::string> names;
  for (const auto* family : families()) names.push_back(family->name());
  return names;
}

std::string text_of(const Json& config, const char* key) {
  const auto found = config.find(key);
  return found != config.end() && found->is_string() ? found->get<std::string>() : "";
}

bool lists(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// [heads, first, second, ...] -> rows with the two inner dimensions swapped, per head.
at::Tensor swap_rows_in_heads(const at::Tensor& tensor, std::int64_t heads, std::int64_t inner) {
  const auto rows = tensor.size(0);
  const auto per_head = tensor.reshape({heads, inner, rows / heads / inner, -1});
  return per_head.transpose(1, 2).reshape(tensor.sizes());
}

std::int64_t heads_of(GgufTransform transform, const DecoderFeatures& features) {
  return transform == GgufTransform::kInterleaveQueryRows ? features.num_heads
                                                          : features.num_kv_heads;
}

}  // namespace

const Family& family_of(const Json& config, const std::string& where) {
  if (!config.is_object())
    throw FormatError(where + ": config: found no object, expected a JSON object.");
  const auto type = text_of(config, "model_type");
  for (const auto* family : families())
    if (lists(family->model_types(), type)) return *family;
  std::vector<std::string> architectures;
  const auto listed = config.find("architectures");
  if (listed != config.end() && listed->is_array())
    for (const auto& entry : *listed)
      if (entry.is_string()) architectures.push_back(entry.get<std::string>());
  // An unknown model_type is never overruled: a class name alone may hide a changed layout.
  if (type.empty())
    for (const auto* family : families())
      for (const auto& architecture : architectures)
        if (lists(family->architectures(), architecture)) return *family;
  throw FormatError(
      format("{}: architecture: found model_type '{}' (architectures: {}), expected one of {}. "
             "Convert the model or choose one of a supported family.",
             where, type, architectures.empty() ? "none" : quoted_list(architectures),
             quoted_list(names_of_families())));
}

std::vector<TensorNames> Family::tensor_names(const DecoderFeatures& features) const {
  return tensor_names_of(features);
}

void Family::write_gguf_keys(const DecoderFeatures& features, GgufWriter& writer) const {
  write_gguf_features(gguf_architecture(), without_windows(gguf_architecture(), features), writer);
}

DecoderFeatures Family::features_from_gguf(const GgufFile& file) const {
  return features_from_gguf_keys(file, gguf_architecture());
}

bool Family::reads_gguf(const GgufFile& file) const {
  return file.text("general.architecture") == gguf_architecture();
}

const Family& family_of_gguf(const GgufFile& file) {
  const auto architecture = file.text("general.architecture");
  std::vector<std::string> known;
  for (const auto* family : families()) {
    if (family->reads_gguf(file)) return *family;
    if (!lists(known, family->gguf_architecture())) known.push_back(family->gguf_architecture());
  }
  throw FormatError(
      format("{}: general.architecture: found '{}', expected one of {}. Choose a file of a "
             "supported family.",
             file.path().string(), architecture, quoted_list(known)));
}

const Family& family_by_name(const std::string& name) {
  for (const auto* family : families())
    if (family->name() == name) return *family;
  throw ConfigError(
      format("family: found '{}', expected one of {}.", name, quoted_list(names_of_families())));
}

at::Tensor to_gguf_layout(const at::Tensor& tensor, GgufTransform transform,
                          const DecoderFeatures& features) {
  if (transform == GgufTransform::kNone) return tensor;
  if (transform == GgufTransform::kAddOne) return tensor.to(at::kFloat) + 1;
  // Per head: halves [2, d/2] become pairs [d/2, 2].
  return swap_rows_in_heads(tensor, heads_of(transform, features), 2);
}

at::Tensor from_gguf_layout(const at::Tensor& tensor, GgufTransform transform,
                            const DecoderFeatures& features) {
  if (transform == GgufTransform::kNone) return tensor;
  if (transform == GgufTransform::kAddOne) return tensor.to(at::kFloat) - 1;
  return swap_rows_in_heads(tensor, heads_of(transform, features), features.head_dim / 2);
}

}  // namespace sqpsych
