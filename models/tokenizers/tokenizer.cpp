#include "models/tokenizers/tokenizer.h"

#include "core/error.h"
#include "core/files.h"
#include "core/text.h"
#include "models/tokenizers/pipeline/sentencepiece_file.h"

namespace sqpsych {
namespace tokenizers {

// The kinds of vocabulary, each in the file of its name.
std::unique_ptr<Tokenizer> load_tokenizer_json(const std::filesystem::path& folder);
std::unique_ptr<Tokenizer> load_sentencepiece(const std::filesystem::path& folder);
bool has_vocabulary_files(const std::filesystem::path& folder);
std::unique_ptr<Tokenizer> load_vocabulary_files(const std::filesystem::path& folder,
                                                 const std::string& split_name);

}  // namespace tokenizers

std::unique_ptr<Tokenizer> load_tokenizer(const std::filesystem::path& folder,
                                          const TokenizerOptions& options) {
  const auto model = folder / "tokenizer.model";
  const bool has_vocabulary_files = tokenizers::has_vocabulary_files(folder);
  if (std::filesystem::exists(folder / "tokenizer.json"))
    return tokenizers::load_tokenizer_json(folder);
  if (std::filesystem::exists(model)) {
    const bool is_tiktoken = tokenizers::looks_like_tiktoken(MappedFile(model).text());
    if (!is_tiktoken) return tokenizers::load_sentencepiece(folder);
    if (!has_vocabulary_files)
      throw FormatError(
          format("{}: found tiktoken ranks, expected a SentencePiece model: ranks name no special "
                 "tokens. Put the model's tokenizer.json beside it.",
                 model.string()));
  }
  if (has_vocabulary_files) return tokenizers::load_vocabulary_files(folder, options.split);
  throw FormatError(
      format("{}: tokenizer: found none of tokenizer.json, tokenizer.model, vocab.json with "
             "merges.txt, encoder.json with vocab.bpe. Copy the model's tokenizer files there.",
             folder.string()));
}

}  // namespace sqpsych
