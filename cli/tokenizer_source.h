#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "models/chat_templates/chat_template.h"
#include "models/model.h"
#include "models/tokenizers/tokenizer.h"

namespace sqpsych {

/// The tokenizer of what `--model` names (folder, .gguf file, cached hub id); no weights are read.
struct TokenizerSource {
  std::filesystem::path path;
  std::unique_ptr<Tokenizer> tokenizer;
};
TokenizerSource open_tokenizer(const std::string& model, const ModelOptions& options);

/// The chat template of that model: the setting, else what the model records.
std::unique_ptr<ChatTemplate> open_chat_template(const TokenizerSource& source,
                                                 const ModelOptions& options);

}  // namespace sqpsych
