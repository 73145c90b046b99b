#include "models/tokenizers/tokenizer.h"

#include "core/error.h"
#include "core/text.h"

namespace sqpsych {
namespace tokenizers {

// The kinds of vocabulary, each in the file of its name.
std::unique_ptr<Tokenizer> load_tokenizer_json(const std::filesystem::path& folder);
std::unique_ptr<Tokenizer> load_sentencepiece(const std::filesystem::path& folder);
bool has_vocabulary_files(const std::filesystem::path& folder);
std::unique_ptr<Tokenizer> load_vocabulary_files(const std::filesystem::path& folder,
                                                 const std::string& split_name);
std::unique_ptr<Tokenizer> load_tekken(const std::filesystem::path& folder);
std::optional<std::filesystem::path> rank_file(const std::filesystem::path& folder);
std::unique_ptr<Tokenizer> load_rank_file(const std::filesystem::path& path,
                                          const std::string& split_name);

}  // namespace tokenizers

std::unique_ptr<Tokenizer> load_tokenizer(const std::filesystem::path& folder,
                                          const TokenizerOptions& options) {
  using namespace tokenizers;
  const auto exists = [&](const char* name) { return std::filesystem::exists(folder / name); };
  if (exists("tokenizer.json")) return load_tokenizer_json(folder);
  if (exists("tekken.json")) return load_tekken(folder);
  const auto ranks = rank_file(folder);
  if (exists("tokenizer.model") && !ranks) return load_sentencepiece(folder);
  if (has_vocabulary_files(folder)) return load_vocabulary_files(folder, options.split);
  if (ranks) return load_rank_file(*ranks, options.split);
  throw FormatError(format(
      "{}: tokenizer: found none of tokenizer.json, tokenizer.model, tekken.json, vocab.json "
      "with merges.txt, encoder.json with vocab.bpe, *.tiktoken. Copy the model's tokenizer "
      "files there.",
      folder.string()));
}

}  // namespace sqpsych
