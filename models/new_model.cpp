#include "models/new_model.h"

#include <ATen/core/Tensor.h>

#include <algorithm>
#include <memory>

#include "core/json_lines.h"
#include "core/log.h"
#include "core/manifest.h"
#include "core/text.h"
#include "models/chat_templates/chat_template.h"
#include "models/generation_config.h"
#include "models/model.h"
#include "models/weights/safetensors.h"
#include "models/weights/tokenizer_files.h"

namespace fs = std::filesystem;

namespace sqpsych {
namespace {

constexpr const char* kTextKeys[] = {"content",     "text",   "value",   "prompt",   "completion",
                                     "instruction", "input",  "output",  "question", "answer",
                                     "response",    "system", "history", "sentence", "situation"};

bool is_text_key(const std::string& key) {
  return std::find(std::begin(kTextKeys), std::end(kTextKeys), key) != std::end(kTextKeys);
}

void add_lines(const std::string& text, std::vector<std::string>& lines) {
  for (const auto& line : split(text, "\n"))
    if (const auto trimmed = trim(line); !trimmed.empty()) lines.emplace_back(trimmed);
}

void collect_texts(const Json& value, bool is_text, std::vector<std::string>& lines) {
  if (value.is_string() && is_text) add_lines(value.get<std::string>(), lines);
  if (value.is_array())
    for (const auto& item : value) collect_texts(item, is_text, lines);
  if (value.is_object())
    for (const auto& [key, item] : value.items()) collect_texts(item, is_text_key(key), lines);
}

/// A tokenizer trained on the texts with the template's markers as control pieces.
std::unique_ptr<Tokenizer> train_tokenizer(const NewModelConfig& config,
                                           const std::vector<std::string>& lines,
                                           const fs::path& folder) {
  train_sentencepiece(lines, {config.vocabulary_size, {}}, folder);
  const auto bare = load_tokenizer(folder);
  std::vector<std::string> markers;
  for (const auto& marker : make_chat_template(config.chat_template, *bare)->markers())
    if (!bare->id_of(marker)) markers.push_back(marker);
  if (!markers.empty()) train_sentencepiece(lines, {config.vocabulary_size, markers}, folder);
  auto tokenizer = load_tokenizer(folder);
  if (tokenizer->size() != config.vocabulary_size)
    log_info(format("new-model: the vocabulary has {} pieces ({} were wanted)", tokenizer->size(),
                    config.vocabulary_size));
  return tokenizer;
}

void write_configs(const Json& decoder_config, const Tokenizer& tokenizer,
                   const ChatTemplate& chat_template, const fs::path& folder) {
  auto config = decoder_config;
  Json generation = Json::object();
  if (const auto bos = tokenizer.bos()) config["bos_token_id"] = generation["bos_token_id"] = *bos;
  if (const auto eos = tokenizer.eos()) config["eos_token_id"] = generation["eos_token_id"] = *eos;
  if (const auto terminator = tokenizer.id_of(chat_template.terminator()))
    generation = with_end_token(generation, config, *terminator);
  // Absent would mean the family's own number, which may lie beyond this vocabulary.
  config["pad_token_id"] = nullptr;
  config["torch_dtype"] = "float32";
  config["use_cache"] = true;
  write_file_atomic(folder / "config.json", config.dump(2) + "\n");
  write_file_atomic(folder / "generation_config.json", generation.dump(2) + "\n");
}

void write_random_weights(const Family& family, const DecoderFeatures& features,
                          const NewModelConfig& config, const fs::path& file) {
  Decoder decoder(features, at::kFloat, at::kCPU);
  initialise_weights(decoder, static_cast<std::uint64_t>(config.seed), config.initializer_range);
  std::map<std::string, std::string> huggingface;
  for (const auto& names : family.tensor_names(features))
    huggingface[names.own] = names.huggingface;
  NamedTensors tensors;
  for (const auto& [name, parameter] : decoder.parameters())
    tensors.push_back({huggingface.at(name), *parameter});
  write_safetensors(file, tensors);
}

}  // namespace

void NewModelConfig::check(ProblemList& problems) const {
  if (num_attention_heads < 1 || num_key_value_heads < 1) return;  // a broken rule is reported
  if (hidden_size % num_attention_heads != 0 || hidden_size / num_attention_heads % 2 != 0)
    problems.add(
        format("hidden_size: found {}, expected an even multiple of num_attention_heads ({})",
               hidden_size, num_attention_heads));
  if (num_attention_heads % num_key_value_heads != 0)
    problems.add(
        format("num_attention_heads: found {}, expected a multiple of num_key_value_heads ({})",
               num_attention_heads, num_key_value_heads));
  const auto templates = chat_template_names();
  if (std::find(templates.begin(), templates.end(), chat_template) == templates.end())
    problems.add(format("chat_template: found '{}', expected one of {}", chat_template,
                        quoted_list(templates)));
}

std::vector<std::string> read_training_texts(const fs::path& file) {
  std::vector<std::string> lines;
  if (file.extension() == ".jsonl") {
    for_each_line(file,
                  [&](const Json& record, std::int64_t) { collect_texts(record, true, lines); });
  } else if (file.extension() == ".json") {
    collect_texts(read_json(file), true, lines);
  } else {
    const auto text = read_file(file);
    if (const auto bad = find_invalid_utf8(text); bad != std::string::npos)
      throw FormatError(
          format("{}: byte {}: found no UTF-8, expected a UTF-8 text. Convert the file.",
                 file.string(), bad));
    add_lines(text, lines);
  }
  if (lines.empty())
    throw FormatError(
        format("{}: text: found none, expected a plain text or JSON rows with keys such as "
               "messages[].content, text, prompt or completion.",
               file.string()));
  return lines;
}

DecoderFeatures new_model_features(const NewModelConfig& config, std::int64_t vocabulary_size) {
  DecoderFeatures features;
  features.vocabulary_size = vocabulary_size;
  features.hidden_size = config.hidden_size;
  features.num_layers = config.num_hidden_layers;
  features.num_heads = config.num_attention_heads;
  features.num_kv_heads = config.num_key_value_heads;
  features.head_dim = config.hidden_size / config.num_attention_heads;
  features.intermediate_size = config.intermediate_size;
  features.context_length = config.max_position_embeddings;
  features.tied_embeddings = config.tie_word_embeddings;
  features.rope.dims = features.head_dim;
  family_by_name(config.family).complete(features);
  return features;
}

void write_new_model(const NewModelConfig& config, const std::vector<fs::path>& texts,
                     const fs::path& output, Existing existing) {
  const auto& family = family_by_name(config.family);
  std::vector<std::string> lines;
  for (const auto& file : texts)
    for (auto& line : read_training_texts(file)) lines.push_back(std::move(line));
  prepare_output(output, existing, texts, "new-model");
  write_folder_atomic(output, existing == Existing::kOverwrite, [&](const fs::path& folder) {
    const auto tokenizer = train_tokenizer(config, lines, folder);
    const auto chat_template = make_chat_template(config.chat_template, *tokenizer);
    record_chat_template(folder, config.chat_template, chat_template->jinja_source());
    const auto features = new_model_features(config, tokenizer->size());
    auto decoder_config = family.config(features);
    decoder_config["initializer_range"] = config.initializer_range;
    write_configs(decoder_config, *tokenizer, *chat_template, folder);
    write_random_weights(family, features, config, folder / "model.safetensors");
    write_manifest(folder, {command_line(), config_to_json(config), texts, {}, Json::object()});
  });
}

}  // namespace sqpsych
