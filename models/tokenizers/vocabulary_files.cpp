#include <algorithm>

#include "core/error.h"
#include "core/files.h"
#include "core/json.h"
#include "core/text.h"
#include "models/tokenizers/pipeline/byte_level_parts.h"
#include "models/tokenizers/pipeline/special_tokens.h"

namespace sqpsych::tokenizers {
namespace {

using MergeLines = std::vector<std::pair<std::string_view, std::string_view>>;

std::filesystem::path first_existing(const std::filesystem::path& folder, const char* first,
                                     const char* second) {
  return std::filesystem::exists(folder / first) ? folder / first : folder / second;
}

void read_vocabulary(const std::filesystem::path& path, TokenTable& table) {
  const Json file = read_json(path);
  if (!file.is_object())
    throw FormatError(format("{}: found {}, expected an object of tokens and ids.", path.string(),
                             file.type_name()));
  for (const auto& [token, id] : file.items()) {
    if (!id.is_number_integer())
      throw FormatError(
          format("{}: token '{}': found {}, expected an id.", path.string(), token, id.dump()));
    table.add(token, id.get<std::int64_t>());
  }
}

/// One "left right" a line; a first line that begins with #version is no merge. Views into `file`.
MergeLines read_merge_lines(const MappedFile& file, const std::filesystem::path& path) {
  std::string_view text = file.text();
  const std::size_t invalid = find_invalid_utf8(text);
  if (invalid != std::string_view::npos)
    throw FormatError(
        format("{}: found bytes that are not UTF-8 at offset {}, expected UTF-8 text.",
               path.string(), invalid));
  MergeLines merges;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty() || (number == 1 && line.starts_with("#version"))) continue;
    const auto space = line.find(' ');
    if (space == std::string_view::npos || space == 0 || space + 1 == line.size() ||
        line.find(' ', space + 1) != std::string_view::npos)
      throw FormatError(
          format("{}:{}: found '{}', expected 'left right'.", path.string(), number, line));
    merges.emplace_back(line.substr(0, space), line.substr(space + 1));
  }
  return merges;
}

}  // namespace

bool has_vocabulary_files(const std::filesystem::path& folder) {
  const auto exists = [&](const char* name) { return std::filesystem::exists(folder / name); };
  return (exists("vocab.json") || exists("encoder.json")) &&
         (exists("merges.txt") || exists("vocab.bpe"));
}

std::unique_ptr<Tokenizer> load_vocabulary_files(const std::filesystem::path& folder,
                                                 const std::string& split_name) {
  const auto path = first_existing(folder, "vocab.json", "encoder.json");
  const std::string where = path.string();
  const NamedSplit& split = need_split(split_name, where);
  const SpecialTokenSettings settings = read_special_token_settings(folder);

  PipelineParts parts;
  parts.where = where;
  TokenTable table(where);
  read_vocabulary(path, table);
  table.by_id();
  const auto merges_path = first_existing(folder, "merges.txt", "vocab.bpe");
  const MappedFile merges(merges_path);
  set_byte_level_parts(table.ids(),
                       merge_rules(table.ids(), read_merge_lines(merges, merges_path), "", where),
                       split, split.ignore_merges, parts);
  parts.added = settings.added;
  for (const auto& token : parts.added) table.add(token.content, token.id);
  set_vocabulary(settings, table, false, parts);
  return make_pipeline_tokenizer(std::move(parts));
}

}  // namespace sqpsych::tokenizers
