#include "models/tokenizers/pipeline/special_tokens.h"

#include <algorithm>
#include <charconv>
#include <unordered_set>

#include "core/error.h"
#include "core/text.h"
#include "models/tokenizers/pipeline/byte_letters.h"
#include "models/tokenizers/pipeline/json_members.h"

namespace sqpsych::tokenizers {
namespace {

/// A token stands as a text or as an object with its `content`.
std::optional<std::string> token_text(const Json& file, const char* key, const std::string& where) {
  const Json& value = value_or_null(file, key);
  if (value.is_null()) return std::nullopt;
  if (value.is_string()) return value.get<std::string>();
  if (value_or_null(value, "content").is_string()) return value["content"].get<std::string>();
  throw FormatError(format("{}: {}: found {}, expected a text.", where, key, value.type_name()));
}

std::optional<bool> optional_flag(const Json& file, const char* key, const std::string& where) {
  if (value_or_null(file, key).is_null()) return std::nullopt;
  return flag_or(file, key, false, where);
}

void take_if_absent(std::optional<std::string>& role, std::optional<std::string> text) {
  if (!role && text && !text->empty()) role = std::move(text);
}

void read_roles(const Json& file, const std::string& where, SpecialTokenSettings& settings) {
  take_if_absent(settings.bos, token_text(file, "bos_token", where));
  take_if_absent(settings.eos, token_text(file, "eos_token", where));
  take_if_absent(settings.unknown, token_text(file, "unk_token", where));
  take_if_absent(settings.padding, token_text(file, "pad_token", where));
}

void read_added_tokens_decoder(const Json& file, const std::string& where,
                               SpecialTokenSettings& settings) {
  const Json& decoder = value_or_null(file, "added_tokens_decoder");
  if (!decoder.is_object()) return;
  for (const auto& [key, value] : decoder.items()) {
    TokenId id = -1;
    const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), id);
    if (error != std::errc() || end != key.data() + key.size() || id < 0)
      throw FormatError(
          format("{}: added_tokens_decoder: found id '{}', expected a whole number.", where, key));
    settings.added.push_back(added_token_from_json(value, id, where));
  }
}

void read_added_tokens_json(const std::filesystem::path& path, SpecialTokenSettings& settings) {
  std::vector<AddedToken> added;
  const Json file = read_json(path);
  if (!file.is_object())
    throw FormatError(format("{}: found {}, expected an object of token texts and ids.",
                             path.string(), file.type_name()));
  for (const auto& [content, id] : file.items()) {
    if (!id.is_number_unsigned() || id.get<std::uint64_t>() > INT32_MAX)
      throw FormatError(
          format("{}: token '{}': found {}, expected an id.", path.string(), content, id.dump()));
    AddedToken token;
    token.id = id.get<TokenId>();
    token.content = content;
    token.special = looks_like_control(content);
    added.push_back(token);
  }
  merge_added_tokens(added, settings.added);
}

}  // namespace

SpecialTokenSettings read_special_token_settings(const std::filesystem::path& folder) {
  SpecialTokenSettings settings;
  const auto config_path = folder / "tokenizer_config.json";
  if (std::filesystem::exists(config_path)) {
    const std::string where = config_path.string();
    const Json config = read_json(config_path);
    read_roles(config, where, settings);
    settings.add_bos = optional_flag(config, "add_bos_token", where);
    settings.add_eos = optional_flag(config, "add_eos_token", where);
    settings.add_prefix_space = optional_flag(config, "add_prefix_space", where);
    settings.legacy_prefix = flag_or(config, "legacy", true, where);
    read_added_tokens_decoder(config, where, settings);
    settings.num_stated = settings.added.size();
  }
  const auto map_path = folder / "special_tokens_map.json";
  if (std::filesystem::exists(map_path))
    read_roles(read_json(map_path), map_path.string(), settings);
  const auto added_path = folder / "added_tokens.json";
  if (std::filesystem::exists(added_path)) read_added_tokens_json(added_path, settings);
  return settings;
}

void merge_added_tokens(const std::vector<AddedToken>& more, std::vector<AddedToken>& added) {
  std::unordered_set<TokenId> known;
  for (const auto& token : added) known.insert(token.id);
  for (const auto& token : more)
    if (known.insert(token.id).second) added.push_back(token);
}

namespace {

SpecialIds special_ids(const SpecialTokenSettings& settings, const TokenTable& table,
                       std::vector<TokenId> before, std::vector<TokenId> after) {
  const auto id_of = [&](const std::optional<std::string>& text) {
    return text ? table.find(*text) : std::nullopt;
  };
  SpecialIds ids{id_of(settings.bos),     id_of(settings.eos), id_of(settings.unknown),
                 id_of(settings.padding), std::move(before),   std::move(after)};
  if (!settings.bos && !ids.before.empty()) ids.bos = ids.before.front();
  if (settings.add_bos && ids.bos)
    ids.before = *settings.add_bos ? std::vector{*ids.bos} : std::vector<TokenId>{};
  if (settings.add_eos && ids.eos)
    ids.after = *settings.add_eos ? std::vector{*ids.eos} : std::vector<TokenId>{};
  return ids;
}

std::vector<TokenType> token_types(const std::vector<std::string>& tokens,
                                   const SpecialIds& special, bool has_bytes,
                                   std::vector<AddedToken>& added) {
  std::vector<TokenType> types(tokens.size(), TokenType::kNormal);
  for (std::size_t id = 0; id < tokens.size(); ++id) {
    if (tokens[id].empty()) types[id] = TokenType::kUnused;
    if (has_bytes && byte_of_token(tokens[id])) types[id] = TokenType::kByte;
  }
  for (auto& token : added) {
    const bool has_role = token.id == special.bos || token.id == special.eos ||
                          token.id == special.unknown || token.id == special.padding;
    token.special = token.special || has_role || looks_like_control(token.content);
    types[static_cast<std::size_t>(token.id)] =
        token.special ? TokenType::kControl : TokenType::kUserDefined;
  }
  if (special.unknown) types[static_cast<std::size_t>(*special.unknown)] = TokenType::kUnknown;
  return types;
}

}  // namespace

void set_vocabulary(const SpecialTokenSettings& settings, TokenTable& table, bool has_bytes,
                    PipelineParts& parts) {
  parts.special =
      special_ids(settings, table, std::move(parts.special.before), std::move(parts.special.after));
  parts.tokens = table.by_id();
  parts.ids = table.ids();
  parts.types = token_types(parts.tokens, parts.special, has_bytes, parts.added);
}

}  // namespace sqpsych::tokenizers
