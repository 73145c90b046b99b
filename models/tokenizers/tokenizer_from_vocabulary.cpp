#include "core/error.h"
#include "core/text.h"
#include "models/tokenizers/pipeline/byte_letters.h"
#include "models/tokenizers/pipeline/byte_level_parts.h"

namespace sqpsych::tokenizers {
namespace {

bool is_added(TokenType type) {
  return type == TokenType::kControl || type == TokenType::kUnknown ||
         type == TokenType::kUserDefined;
}

void check(const Vocabulary& vocabulary, const std::string& where) {
  ProblemList problems;
  const std::size_t count = vocabulary.tokens.size();
  const auto role = [&](const char* name, std::optional<TokenId> id) {
    if (id && (*id < 0 || static_cast<std::size_t>(*id) >= count))
      problems.add(format("{}: found id {}, expected one of the {} tokens.", name, *id, count));
  };
  if (count == 0) problems.add("tokens: found an empty vocabulary.");
  if (vocabulary.types.size() != count)
    problems.add(
        format("token_type: found {} entries, expected {}.", vocabulary.types.size(), count));
  if (vocabulary.model == "llama" && vocabulary.scores.size() < count)
    problems.add(format("scores: found {} entries, expected {}.", vocabulary.scores.size(), count));
  role("bos_token_id", vocabulary.bos);
  role("eos_token_id", vocabulary.eos);
  role("unknown_token_id", vocabulary.unknown);
  role("padding_token_id", vocabulary.padding);
  problems.throw_if_any<FormatError>(where);
}

std::vector<AddedToken> added_tokens(const Vocabulary& vocabulary) {
  std::vector<AddedToken> added;
  for (std::size_t id = 0; id < vocabulary.tokens.size(); ++id) {
    if (!is_added(vocabulary.types[id])) continue;
    AddedToken token;
    token.id = static_cast<TokenId>(id);
    token.content = vocabulary.tokens[id];
    token.special = vocabulary.types[id] != TokenType::kUserDefined;
    added.push_back(token);
  }
  return added;
}

/// The tokens that text can become without being looked for beforehand.
TokenIndex mergeable_ids(const Vocabulary& vocabulary) {
  TokenIndex ids;
  ids.reserve(vocabulary.tokens.size());
  for (std::size_t id = 0; id < vocabulary.tokens.size(); ++id)
    if (vocabulary.types[id] == TokenType::kNormal ||
        vocabulary.types[id] == TokenType::kUserDefined)
      ids.insert(vocabulary.tokens[id], static_cast<TokenId>(id));
  return ids;
}

std::array<TokenId, 256> byte_ids(const Vocabulary& vocabulary) {
  std::array<TokenId, 256> ids;
  ids.fill(kNoToken);
  for (std::size_t id = 0; id < vocabulary.tokens.size(); ++id)
    if (vocabulary.types[id] == TokenType::kByte)
      if (const auto byte = byte_of_token(vocabulary.tokens[id]))
        ids[*byte] = static_cast<TokenId>(id);
  return ids;
}

void set_sentencepiece_parts(const Vocabulary& vocabulary, PipelineParts& parts) {
  if (vocabulary.add_space_prefix)
    parts.normalizers.push_back(prepend_step(std::string(kSpaceMark)));
  parts.normalizers.push_back(replace_step(" ", std::string(kSpaceMark)));
  parts.model = make_score_bpe(mergeable_ids(vocabulary), vocabulary.scores,
                               {vocabulary.unknown, byte_ids(vocabulary)});
  parts.decoders = sentencepiece_decoder(vocabulary.add_space_prefix);
  parts.gguf.model = "llama";
}

void set_merging_parts(const Vocabulary& vocabulary, const std::string& where,
                       PipelineParts& parts) {
  const NamedSplit* split = find_split_by_gguf_pre(vocabulary.pre);
  if (!split) {
    std::vector<std::string> known;
    for (const auto& named : named_splits())
      known.insert(known.end(), named.gguf_pres.begin(), named.gguf_pres.end());
    throw FormatError(format("{}: tokenizer.ggml.pre: found '{}', expected one of {}.", where,
                             vocabulary.pre, quoted_list(known)));
  }
  std::vector<std::pair<std::string_view, std::string_view>> merges;
  for (const std::string_view merge : vocabulary.merges) {
    const auto space = merge.find(' ', 1);
    if (merge.empty() || space == std::string_view::npos)
      throw FormatError(format("{}: tokenizer.ggml.merges[{}]: found '{}', expected 'left right'.",
                               where, merges.size(), merge));
    merges.emplace_back(merge.substr(0, space), merge.substr(space + 1));
  }
  const TokenIndex ids = mergeable_ids(vocabulary);
  set_byte_level_parts(ids, merge_rules(ids, merges, "", where), *split, split->ignore_merges,
                       parts);
  parts.gguf.pre = vocabulary.pre;
}

std::map<std::string, std::string> names_of_roles(const Vocabulary& vocabulary) {
  const std::pair<const char*, std::optional<TokenId>> roles[] = {
      {"bos_token", vocabulary.bos},
      {"eos_token", vocabulary.eos},
      {"unk_token", vocabulary.unknown},
      {"pad_token", vocabulary.padding}};
  std::map<std::string, std::string> names;
  for (const auto& [name, id] : roles)
    if (id) names[name] = vocabulary.tokens[static_cast<std::size_t>(*id)];
  return names;
}

}  // namespace
}  // namespace sqpsych::tokenizers

namespace sqpsych {

std::unique_ptr<Tokenizer> tokenizer_from_vocabulary(Vocabulary vocabulary,
                                                     const std::string& where) {
  using namespace tokenizers;
  check(vocabulary, where);
  TokenTable table(where);
  for (std::size_t id = 0; id < vocabulary.tokens.size(); ++id)
    table.add(vocabulary.tokens[id], static_cast<std::int64_t>(id));
  PipelineParts parts;
  parts.where = where;
  if (vocabulary.model == "llama")
    set_sentencepiece_parts(vocabulary, parts);
  else if (vocabulary.model == "gpt2")
    set_merging_parts(vocabulary, where, parts);
  else
    throw FormatError(format("{}: tokenizer.ggml.model: found '{}', expected 'llama' or 'gpt2'.",
                             where, vocabulary.model));
  parts.added = added_tokens(vocabulary);
  parts.special = {vocabulary.bos, vocabulary.eos, vocabulary.unknown, vocabulary.padding, {}, {}};
  parts.named = names_of_roles(vocabulary);
  if (vocabulary.add_bos && vocabulary.bos) parts.special.before = {*vocabulary.bos};
  if (vocabulary.add_eos && vocabulary.eos) parts.special.after = {*vocabulary.eos};
  parts.gguf.add_space_prefix = vocabulary.add_space_prefix;
  parts.tokens = std::move(vocabulary.tokens);
  parts.types = std::move(vocabulary.types);
  parts.ids = table.ids();
  return make_pipeline_tokenizer(std::move(parts));
}

}  // namespace sqpsych
