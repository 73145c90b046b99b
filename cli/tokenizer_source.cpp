#include "cli/tokenizer_source.h"

#include "core/error.h"
#include "core/text.h"
#include "models/gguf_vocabulary.h"
#include "models/weights/gguf_file.h"
#include "models/weights/model_dir.h"

namespace sqpsych {

TokenizerSource open_tokenizer(const std::string& model, const ModelOptions& options) {
  TokenizerSource source{resolve_model_path(model), nullptr};
  if (std::filesystem::is_directory(source.path)) {
    source.tokenizer = load_tokenizer(source.path, {options.tokenizer_split});
    return source;
  }
  auto vocabulary = vocabulary_from_gguf(GgufFile(source.path));
  if (!vocabulary)
    throw FormatError(
        format("{}: tokenizer: found no tokenizer.ggml keys, expected a vocabulary. Is this an "
               "adapter file?",
               source.path.string()));
  source.tokenizer = tokenizer_from_vocabulary(std::move(*vocabulary), source.path.string());
  return source;
}

std::unique_ptr<ChatTemplate> open_chat_template(const TokenizerSource& source,
                                                 const ModelOptions& options) {
  const auto sources = std::filesystem::is_directory(source.path)
                           ? read_template_sources(source.path)
                           : template_sources_from_gguf(GgufFile(source.path));
  return choose_chat_template(options, sources, *source.tokenizer);
}

}  // namespace sqpsych
