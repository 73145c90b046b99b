#include "models/model.h"

#include <ATen/Context.h>
#include <ATen/core/Tensor.h>

#include <algorithm>
#include <charconv>

#include "core/json_lines.h"
#include "core/text.h"
#include "models/generation_config.h"
#include "models/gguf_vocabulary.h"
#include "models/stored_weights.h"

namespace sqpsych {
namespace {

constexpr const char* kTokenizerFiles[] = {"tokenizer.json", "tokenizer.model", "vocab.json",
                                           "encoder.json"};

at::ScalarType resolve_dtype(const std::string& dtype, const Json& config) {
  if (dtype == "bfloat16") return at::kBFloat16;
  if (dtype == "float32") return at::kFloat;
  const auto stored = config.value("dtype", config.value("torch_dtype", Json()));
  return stored == "bfloat16" ? at::kBFloat16 : at::kFloat;
}

void finish_tokens(Model& model) {
  const auto rows = model.decoder->features().vocabulary_size;
  const auto path = model.path.string();
  for (auto id : end_token_ids(model.config, rows, path + ": config.json")) model.add_end_token(id);
  for (auto id : end_token_ids(model.generation_config, rows, path + ": generation_config.json"))
    model.add_end_token(id);
  if (!model.tokenizer) return;
  if (model.tokenizer->size() > rows)
    throw FormatError(
        format("{}: tokenizer: found {} tokens, expected at most the embedding's {} rows. "
               "Do tokenizer and weights belong together?",
               model.path.string(), model.tokenizer->size(), rows));
  if (const auto eos = model.tokenizer->eos()) model.add_end_token(*eos);
}

void load_folder(Model& model, const ModelOptions& options, at::Device device) {
  const ModelDir folder(model.path);
  model.generation_config = folder.generation_config();
  model.family = &family_of(folder.config(), (model.path / "config.json").string());
  model.config = model.family->text_config(folder.config());
  const auto features = features_of_folder(folder, *model.family);
  // What is held in memory, and written after a full training, is neither tied nor quantised.
  model.config["tie_word_embeddings"] = features.tied_embeddings;
  model.config.erase("quantization_config");
  model.decoder =
      std::make_unique<Decoder>(features, resolve_dtype(options.dtype, model.config), device);
  fill_decoder(*model.decoder, stored_weights(folder, *model.family, features));
  for (const auto* name : kTokenizerFiles)
    if (!model.tokenizer && std::filesystem::exists(model.path / name))
      model.tokenizer = load_tokenizer(model.path, {options.tokenizer_split});
}

void load_gguf(Model& model, const ModelOptions& options, at::Device device) {
  const GgufFile file(model.path);
  if (const auto* type = file.find_as<std::string>("general.type"); type && *type == "adapter")
    throw FormatError(
        format("{}: found a GGUF adapter, expected a model. Pass its base with --model and the "
               "PEFT folder it was made of with --adapter.",
               model.path.string()));
  model.family = &family_of_gguf(file);
  const auto features = model.family->features_from_gguf(file);
  model.config = model.family->config(features);
  const auto* embedding = file.find_tensor("token_embd.weight");
  const bool is_bf16 = embedding && embedding->type == static_cast<std::uint32_t>(GgmlType::kBF16);
  model.config["dtype"] = is_bf16 ? "bfloat16" : "float32";
  model.decoder =
      std::make_unique<Decoder>(features, resolve_dtype(options.dtype, model.config), device);
  fill_decoder(*model.decoder, stored_weights(file, *model.family, features));
  if (auto vocabulary = vocabulary_from_gguf(file)) {
    const auto further_ends = {vocabulary->eot, vocabulary->eom};
    model.tokenizer = tokenizer_from_vocabulary(std::move(*vocabulary), model.path.string());
    for (const auto& end : further_ends)
      if (end) model.add_end_token(*end);
  }
  model.gguf_templates = template_sources_from_gguf(file);
}

Model load(const std::filesystem::path& path, const std::optional<std::filesystem::path>& adapter,
           const ModelOptions& options, at::Device device) {
  Model model;
  model.path = path;
  model.adapter = adapter;
  if (is_gguf_file(path))
    load_gguf(model, options, device);
  else
    load_folder(model, options, device);
  finish_tokens(model);
  if (adapter) attach_adapter(*model.decoder, *model.family, read_adapter_dir(*adapter));
  return model;
}

/// What an adapter was trained with outranks what its base model brings.
TemplateSources template_sources_of(const Model& model) {
  auto sources =
      is_gguf_file(model.path) ? model.gguf_templates : read_template_sources(model.path);
  if (!model.adapter) return sources;
  auto own = read_template_sources(*model.adapter);
  own.named.merge(sources.named);
  if (own.has_default()) return own;
  sources.named = std::move(own.named);
  return sources;
}

}  // namespace

void Model::add_end_token(TokenId id) {
  if (std::find(end_tokens.begin(), end_tokens.end(), id) == end_tokens.end())
    end_tokens.push_back(id);
}

Model load_model(const std::filesystem::path& path,
                 const std::optional<std::filesystem::path>& adapter, const ModelOptions& options) {
  return load(path, adapter, options, resolve_device(options.device));
}

Model load_model_outline(const std::filesystem::path& path,
                         const std::optional<std::filesystem::path>& adapter,
                         const ModelOptions& options) {
  resolve_device(options.device);
  return load(path, adapter, options, at::kMeta);
}

std::unique_ptr<ChatTemplate> chat_template_of(Model& model, const ModelOptions& options) {
  if (!model.tokenizer)
    throw ConfigError(
        format("{}: tokenizer: found none, expected one: messages must become tokens. "
               "Add the tokenizer files or pass token ids.",
               model.path.string()));
  auto chat_template = choose_chat_template(options, template_sources_of(model), *model.tokenizer);
  if (const auto id = model.tokenizer->id_of(chat_template->terminator())) model.add_end_token(*id);
  return chat_template;
}

DecoderFeatures read_features(const std::filesystem::path& path) {
  if (is_gguf_file(path)) {
    const GgufFile file(path);
    return family_of_gguf(file).features_from_gguf(file);
  }
  const auto file = path / "config.json";
  const auto config = read_json(file);
  const auto& family = family_of(config, file.string());
  ProblemList problems;
  auto features = family.features(family.text_config(config), problems);
  problems.throw_if_any<FormatError>(file.string());
  return features;
}

namespace {

/// N of "cuda:N", 0 of "cuda", else -1.
std::int64_t cuda_index(const std::string& device) {
  constexpr std::string_view kStart = "cuda:";
  if (device == "cuda") return 0;
  if (!device.starts_with(kStart)) return -1;
  std::int64_t index = -1;
  const auto* end = device.data() + device.size();
  const auto parsed = std::from_chars(device.data() + kStart.size(), end, index);
  return parsed.ec == std::errc() && parsed.ptr == end ? index : -1;
}

}  // namespace

bool is_device_name(const std::string& text) {
  return text == "auto" || text == "cpu" || cuda_index(text) >= 0;
}

at::Device resolve_device(const std::string& device) {
  const std::int64_t count = at::hasCUDA() ? static_cast<std::int64_t>(at::getNumGPUs()) : 0;
  if (device == "cpu" || (device == "auto" && count == 0)) return at::kCPU;
  if (device == "auto") return {at::kCUDA, 0};
  const auto index = cuda_index(device);
  if (index < 0)
    throw ConfigError(format("device: found '{}', expected auto, cpu or cuda:N.", device));
  if (index >= count)
    throw ConfigError(format(
        "device: found '{}', expected one of the {} CUDA devices here. Use device=cpu or auto.",
        device, count));
  return {at::kCUDA, static_cast<at::DeviceIndex>(index)};
}

}  // namespace sqpsych
