#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/fields.h"
#include "core/json.h"
#include "models/chat_templates/chat_template.h"
#include "models/families/family.h"
#include "models/layers/decoder.h"
#include "models/tokenizers/tokenizer.h"

namespace sqpsych {

/// Whether a text can name a device, be it there or not.
bool is_device_name(const std::string& text);

/// The config keys every command that loads a model shares.
struct ModelOptions : ChatTemplateOptions {
  std::string device = "auto";
  std::string dtype = "float32";
  std::string tokenizer_split;

  template <class Visitor>
  void fields(Visitor& visit) {
    visit("device", device, "where the model is computed",
          such_that(is_device_name, "auto, cpu or cuda:N"));
    visit("dtype", dtype, "what weights are held and computed in",
          one_of({"auto", "float32", "bfloat16"}));
    ChatTemplateOptions::fields(visit);
    visit("tokenizer_split", tokenizer_split,
          "split regex by name for folders with vocabulary and merges files only");
  }
};

/// A runnable model: weights (with an adapter attached, if any), tokenizer, end tokens.
struct Model {
  std::filesystem::path path;  ///< folder or .gguf file
  std::optional<std::filesystem::path> adapter;
  const Family* family = nullptr;
  Json config;             ///< config.json, or an equivalent made from GGUF keys
  Json generation_config;  ///< null when absent
  std::unique_ptr<Decoder> decoder;
  std::unique_ptr<Tokenizer> tokenizer;  ///< null when the folder has none
  std::vector<TokenId> end_tokens;       ///< generation stops at any of these
  TemplateSources gguf_templates;        ///< what a .gguf file carries

  /// Once each.
  void add_end_token(TokenId id);
};

/// Loads a folder or GGUF file, and an adapter on top. All missing, extra and misshapen tensors are
/// one report. NaN or infinite weights are a FormatError naming the tensor.
Model load_model(const std::filesystem::path& path,
                 const std::optional<std::filesystem::path>& adapter, const ModelOptions& options);

/// The same without the values of the weights, for checks: every name and shape is compared,
/// the decoder lies on the meta device and computes nothing.
Model load_model_outline(const std::filesystem::path& path,
                         const std::optional<std::filesystem::path>& adapter,
                         const ModelOptions& options);

/// The chat template of a loaded model (see choose_chat_template); adds its terminator to
/// `model.end_tokens` when that is one token.
std::unique_ptr<ChatTemplate> chat_template_of(Model& model, const ModelOptions& options);

/// Only features, from config.json or GGUF keys; no weights are read.
DecoderFeatures read_features(const std::filesystem::path& path);

/// device text -> device; ConfigError when it is not there.
at::Device resolve_device(const std::string& device);

/// Fills a decoder with random weights from `seed` alone: matrices normal with this deviation,
/// norms that change nothing, biases 0.
void initialise_weights(Decoder& decoder, std::uint64_t seed, double deviation = 0.02);

}  // namespace sqpsych
