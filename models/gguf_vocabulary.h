#pragma once

#include <optional>

#include "models/tokenizers/tokenizer.h"
#include "models/weights/gguf_file.h"

namespace sqpsych {

/// The tokenizer.ggml.* keys with llama.cpp's defaults for absent ones; none when the file carries
/// no tokenizer. FormatError names a key of the wrong type or length.
std::optional<Vocabulary> vocabulary_from_gguf(const GgufFile& file);

}  // namespace sqpsych
