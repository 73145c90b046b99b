#include <charconv>

#include "core/error.h"
#include "core/files.h"
#include "core/text.h"
#include "models/tokenizers/pipeline/base64.h"
#include "models/tokenizers/pipeline/byte_letters.h"
#include "models/tokenizers/pipeline/byte_level_parts.h"
#include "models/tokenizers/pipeline/sentencepiece_file.h"
#include "models/tokenizers/pipeline/special_tokens.h"

namespace sqpsych::tokenizers {
namespace {

/// Token bytes by rank from "base64 rank" lines.
std::vector<std::string> read_rank_file(const std::filesystem::path& path) {
  const MappedFile file(path);
  std::string_view text = file.text();
  std::vector<std::string> tokens;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = text.find('\n');
    const std::string_view line = trim(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.empty()) continue;
    const auto space = line.find(' ');
    const auto bytes = bytes_of_base64(line.substr(0, space));
    const std::string_view digits =
        space == std::string_view::npos ? "" : trim(line.substr(space + 1));
    std::size_t rank = 0;
    const auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), rank);
    if (!bytes || digits.empty() || error != std::errc() || stop != digits.data() + digits.size())
      throw FormatError(format("{}:{}: found '{}', expected a token in base64 and its rank.",
                               path.string(), number, line));
    if (rank != tokens.size())
      throw FormatError(
          format("{}:{}: found rank {}, expected {}: ranks stand in order without gaps.",
                 path.string(), number, rank, tokens.size()));
    tokens.push_back(*bytes);
  }
  return tokens;
}

}  // namespace

std::optional<std::filesystem::path> rank_file(const std::filesystem::path& folder) {
  std::optional<std::filesystem::path> found;
  if (!std::filesystem::is_directory(folder)) return found;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".tiktoken") continue;
    if (found)
      throw FormatError(format("{}: found {} and {}, expected one file of tiktoken ranks.",
                               folder.string(), found->filename().string(),
                               entry.path().filename().string()));
    found = entry.path();
  }
  const auto model = folder / "tokenizer.model";
  if (std::filesystem::exists(model) && looks_like_tiktoken(MappedFile(model).text())) return model;
  return found;
}

std::unique_ptr<Tokenizer> load_rank_file(const std::filesystem::path& path,
                                          const std::string& split_name) {
  PipelineParts parts;
  parts.where = path.string();
  const NamedSplit& split = need_split(split_name, parts.where);
  const SpecialTokenSettings settings = read_special_token_settings(path.parent_path());
  const std::vector<std::string> tokens = read_rank_file(path);
  TokenTable table(parts.where);
  table.reserve(tokens.size());
  for (std::size_t id = 0; id < tokens.size(); ++id)
    table.add(to_byte_letters(tokens[id]), static_cast<std::int64_t>(id));
  set_byte_level_parts(table.ids(), merge_rules_of_ranks(tokens), split, true, parts);
  parts.added = settings.added;
  for (const auto& token : parts.added) table.add(token.content, token.id);
  set_vocabulary(settings, table, false, parts);
  return make_pipeline_tokenizer(std::move(parts));
}

}  // namespace sqpsych::tokenizers
