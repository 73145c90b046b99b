#pragma once

#include <optional>

#include "models/chat_templates/template_sources.h"
#include "models/tokenizers/tokenizer.h"
#include "models/weights/gguf_file.h"

namespace sqpsych {

/// The tokenizer.ggml.* keys with llama.cpp's defaults for absent ones; none when the file carries
/// no tokenizer. FormatError names a key of the wrong type or length.
std::optional<Vocabulary> vocabulary_from_gguf(const GgufFile& file);

/// tokenizer.chat_template and tokenizer.chat_template.NAME.
TemplateSources template_sources_from_gguf(const GgufFile& file);

}  // namespace sqpsych
