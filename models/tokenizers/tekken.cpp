#include <algorithm>
#include <array>

#include "core/error.h"
#include "core/json.h"
#include "core/text.h"
#include "models/tokenizers/pipeline/base64.h"
#include "models/tokenizers/pipeline/byte_letters.h"
#include "models/tokenizers/pipeline/byte_level_parts.h"
#include "models/tokenizers/pipeline/json_members.h"
#include "models/tokenizers/pipeline/special_tokens.h"

namespace sqpsych::tokenizers {
namespace {

/// Ids 0 to 19 of files that list no special tokens (versions up to v7 of mistral-common's format).
constexpr std::array<std::string_view, 20> kOldSpecialTokens = {"<unk>",
                                                                "<s>",
                                                                "</s>",
                                                                "[INST]",
                                                                "[/INST]",
                                                                "[AVAILABLE_TOOLS]",
                                                                "[/AVAILABLE_TOOLS]",
                                                                "[TOOL_RESULTS]",
                                                                "[/TOOL_RESULTS]",
                                                                "[TOOL_CALLS]",
                                                                "[IMG]",
                                                                "<pad>",
                                                                "[IMG_BREAK]",
                                                                "[IMG_END]",
                                                                "[PREFIX]",
                                                                "[MIDDLE]",
                                                                "[SUFFIX]",
                                                                "[SYSTEM_PROMPT]",
                                                                "[/SYSTEM_PROMPT]",
                                                                "[TOOL_CONTENT]"};

struct Sizes {
  std::size_t ranks;    ///< how many entries of `vocab` count
  std::size_t special;  ///< ids below it are special; a rank's id is this much higher
};

Sizes read_sizes(const Json& file, const std::string& where) {
  const Json& config = value_or_null(file, "config");
  const auto total = count_or(config, "default_vocab_size", 0, where);
  const auto special = count_or(config, "default_num_special_tokens", 0, where);
  const auto listed = static_cast<std::int64_t>(need_list(file, "vocab", where).size());
  if (special <= 0 || total <= special || total - special > listed)
    throw FormatError(
        format("{}: config: found default_vocab_size {} and default_num_special_tokens {} with {} "
               "tokens listed, expected more tokens than special ones and no more than listed.",
               where, total, special, listed));
  return {static_cast<std::size_t>(total - special), static_cast<std::size_t>(special)};
}

std::vector<std::string> read_ranks(const Json& file, std::size_t count, const std::string& where) {
  std::vector<std::string> tokens;
  const Json& list = need_list(file, "vocab", where);
  for (std::size_t i = 0; i < count; ++i) {
    const auto bytes = bytes_of_base64(text_or(list[i], "token_bytes", "", where));
    if (!bytes || count_or(list[i], "rank", -1, where) != static_cast<std::int64_t>(i))
      throw FormatError(
          format("{}: vocab[{}]: found {}, expected rank {} and token_bytes in base64.", where, i,
                 list[i].dump(), i));
    tokens.push_back(*bytes);
  }
  return tokens;
}

std::vector<AddedToken> read_special_tokens(const Json& file, std::size_t count,
                                            const std::string& where) {
  std::vector<AddedToken> added(count);
  for (std::size_t id = 0; id < count; ++id) {
    added[id].id = static_cast<TokenId>(id);
    added[id].content = format("<SPECIAL_{}>", id);
    added[id].special = true;
  }
  if (value_or_null(file, "special_tokens").is_null()) {
    for (std::size_t id = 0; id < std::min(count, kOldSpecialTokens.size()); ++id)
      added[id].content = kOldSpecialTokens[id];
    return added;
  }
  for (const Json& token : need_list(file, "special_tokens", where)) {
    const auto id = static_cast<std::size_t>(count_or(token, "rank", INT32_MAX, where));
    const std::string content = text_or(token, "token_str", "", where);
    if (id >= count || content.empty())
      throw FormatError(
          format("{}: special_tokens: found {}, expected a token_str and a rank below "
                 "{}.",
                 where, token.dump(), count));
    added[id].content = content;
  }
  return added;
}

/// The tekken split, or the one of another pattern that the file gives.
void set_split(const Json& file, PipelineParts& parts) {
  const std::string pattern = text_or(value_or_null(file, "config"), "pattern", "", parts.where);
  if (const auto* split = find_split_by_patterns({pattern}, true)) {
    parts.gguf.pre = split->gguf_pres.front();
    return;
  }
  if (pattern.empty())
    throw FormatError(format("{}: config.pattern: found none, expected a regex.", parts.where));
  parts.pre_tokenizers = isolated_split_steps({pattern}, parts.where);
  parts.gguf.model.clear();
  parts.gguf.why_none = format("a split pattern that is none of {}", quoted_list(split_names()));
}

}  // namespace

std::unique_ptr<Tokenizer> load_tekken(const std::filesystem::path& folder) {
  PipelineParts parts;
  parts.where = (folder / "tekken.json").string();
  const Json file = read_json(folder / "tekken.json");
  const Sizes sizes = read_sizes(file, parts.where);
  const std::vector<std::string> tokens = read_ranks(file, sizes.ranks, parts.where);
  TokenTable table(parts.where);
  table.reserve(sizes.ranks + sizes.special);
  for (std::size_t rank = 0; rank < tokens.size(); ++rank)
    table.add(to_byte_letters(tokens[rank]), static_cast<std::int64_t>(rank + sizes.special));
  std::vector<MergeRule> rules = merge_rules_of_ranks(tokens);
  const auto shift = static_cast<TokenId>(sizes.special);
  for (MergeRule& rule : rules)
    rule = {rule.left + shift, rule.right + shift, rule.result + shift, rule.rank};
  set_byte_level_parts(table.ids(), std::move(rules), *find_split_by_name("tekken"), true, parts);
  set_split(file, parts);
  parts.added = read_special_tokens(file, sizes.special, parts.where);
  for (const auto& token : parts.added) table.add(token.content, token.id);

  SpecialTokenSettings settings = read_special_token_settings(folder);
  if (!settings.bos) settings.bos = "<s>";
  if (!settings.eos) settings.eos = "</s>";
  if (!settings.unknown) settings.unknown = "<unk>";
  if (!settings.padding) settings.padding = "<pad>";
  if (!settings.add_bos) settings.add_bos = true;
  name_roles(settings);
  set_vocabulary(settings, table, false, parts);
  return make_pipeline_tokenizer(std::move(parts));
}

}  // namespace sqpsych::tokenizers
