#include "models/tokenizers/tokenizer.h"

#include "core/error.h"
#include "core/text.h"

namespace sqpsych {
namespace tokenizers {

// The kinds of vocabulary, each in the file of its name.
std::unique_ptr<Tokenizer> load_tokenizer_json(const std::filesystem::path& folder);

}  // namespace tokenizers

std::unique_ptr<Tokenizer> load_tokenizer(const std::filesystem::path& folder,
                                          const TokenizerOptions&) {
  if (std::filesystem::exists(folder / "tokenizer.json"))
    return tokenizers::load_tokenizer_json(folder);
  throw FormatError(format("{}: found no tokenizer.", folder.string()));
}

}  // namespace sqpsych
