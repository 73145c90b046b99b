#pragma once

#include <string>

#include "models/exporters/chat_template_source.h"
#include "models/exporters/export_source.h"
#include "models/weights/gguf_file.h"

namespace sqpsych {

/// Type by the name a codec has ("Q8_0").
GgmlType ggml_type_of(const std::string& name);

/// general.architecture, name, size_label, license, file_type ... and where the file came from.
/// A name for which loaders would look up tokens that `tokenizer` has not is written otherwise,
/// with a warning.
void write_general_keys(const ExportSource& source, const Tokenizer& tokenizer, GgmlType type,
                        GgufWriter& writer);

/// tokenizer.ggml.* with the token list padded to the embedding's rows, and
/// tokenizer.chat_template. FormatError when there are more tokens than rows.
void write_vocabulary_keys(const ExportSource& source, const ChatTemplateSource& chat_template,
                           const Tokenizer& tokenizer, GgufWriter& writer);

/// `656K`, `8.0B`: parameters as model names say it.
std::string size_label(std::int64_t parameters);

}  // namespace sqpsych
