#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "core/fields.h"
#include "core/files.h"
#include "models/layers/features.h"

namespace sqpsych {

/// Sizes of a new model. Names are those of Hugging Face's config.json where one exists.
struct NewModelConfig {
  std::string family = "llama";
  std::string chat_template = "chatml";
  std::int64_t vocabulary_size = 2000;
  std::int64_t hidden_size = 128;
  std::int64_t num_hidden_layers = 2;
  std::int64_t num_attention_heads = 4;
  std::int64_t num_key_value_heads = 2;
  std::int64_t intermediate_size = 384;
  std::int64_t max_position_embeddings = 2048;
  bool tie_word_embeddings = true;
  double initializer_range = 0.02;
  std::int64_t seed = 0;

  template <class Visitor>
  void fields(Visitor& visit) {
    visit("family", family, "model family whose layout is written");
    visit("chat_template", chat_template, "built-in template: chatml, llama2, llama3 or none");
    visit("vocabulary_size", vocabulary_size, "pieces; fewer when the text has not that many",
          at_least(300));
    visit("hidden_size", hidden_size, "width of the hidden states", at_least(8));
    visit("num_hidden_layers", num_hidden_layers, "layers", at_least(1));
    visit("num_attention_heads", num_attention_heads, "query heads", at_least(1));
    visit("num_key_value_heads", num_key_value_heads, "key-value heads", at_least(1));
    visit("intermediate_size", intermediate_size, "width of the gated unit", at_least(8));
    visit("max_position_embeddings", max_position_embeddings, "context in tokens", at_least(16));
    visit("tie_word_embeddings", tie_word_embeddings, "one matrix for embedding and head");
    visit("initializer_range", initializer_range, "standard deviation of the random weights",
          at_least(0));
    visit("seed", seed, "the weights are a function of it", at_least(0));
  }
  void check(ProblemList& problems) const;
};

/// The texts of a file: lines of a plain text, or of a .jsonl / .json file the values of the keys
/// that hold text (content, text, value, prompt, completion, ...) at any depth. FormatError when
/// there is none.
std::vector<std::string> read_training_texts(const std::filesystem::path& file);

/// Features of the model a config describes, with `vocabulary_size` rows.
DecoderFeatures new_model_features(const NewModelConfig& config, std::int64_t vocabulary_size);

/// Trains a SentencePiece vocabulary on the files and writes a Hugging Face folder with random
/// weights: config.json, generation_config.json, model.safetensors, tokenizer files, manifest.json.
/// Appears as a whole or not at all.
void write_new_model(const NewModelConfig& config, const std::vector<std::filesystem::path>& texts,
                     const std::filesystem::path& output, Existing existing);

}  // namespace sqpsych
