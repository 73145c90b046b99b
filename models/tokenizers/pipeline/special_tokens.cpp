#include "models/tokenizers/pipeline/special_tokens.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <unordered_set>

#include "core/error.h"
#include "core/text.h"
#include "models/tokenizers/pipeline/byte_letters.h"
#include "models/tokenizers/pipeline/json_members.h"

namespace sqpsych::tokenizers {
namespace {

constexpr std::array kRoles = {"bos_token", "eos_token", "unk_token", "pad_token"};

std::optional<bool> optional_flag(const Json& file, const char* key, const std::string& where) {
  if (value_or_null(file, key).is_null()) return std::nullopt;
  return flag_or(file, key, false, where);
}

/// A token stands as a text or as an object with its `content` and flags.
bool is_token(const Json& value) {
  return value.is_string() || value_or_null(value, "content").is_string();
}

AddedToken special_token(const Json& value, const std::string& where) {
  AddedToken token;
  if (value.is_object())
    token = added_token_from_json(value, -1, where);
  else
    token.content = value.get<std::string>();
  token.special = true;
  token.normalized = value.is_object() && flag_or(value, "normalized", false, where);
  return token;
}

void declare(AddedToken token, SpecialTokenSettings& settings) {
  if (!token.content.empty()) settings.declared.push_back(std::move(token));
}

void declare_named(const std::string& name, const Json& value, const std::string& where,
                   SpecialTokenSettings& settings) {
  auto token = special_token(value, where);
  if (!token.content.empty() && settings.named.emplace(name, token.content).second)
    declare(std::move(token), settings);
}

/// Further special tokens: a list, or an object that gives them names.
void read_extra(const Json& extra, const std::string& where, SpecialTokenSettings& settings) {
  for (const auto& [name, value] : extra.items()) {
    if (!is_token(value)) continue;
    if (extra.is_object())
      declare_named(name, value, where, settings);
    else
      declare(special_token(value, where), settings);
  }
}

void read_special_tokens(const Json& file, const std::string& where,
                         SpecialTokenSettings& settings) {
  if (!file.is_object()) return;
  for (const auto& [name, value] : file.items()) {
    const bool is_role = std::find(kRoles.begin(), kRoles.end(), name) != kRoles.end();
    if (is_role && !value.is_null() && !is_token(value))
      throw FormatError(
          format("{}: {}: found {}, expected a text.", where, name, value.type_name()));
    if (name.ends_with("_token") && is_token(value)) declare_named(name, value, where, settings);
  }
  for (const char* key : {"additional_special_tokens", "extra_special_tokens"})
    if (const Json& extra = value_or_null(file, key); extra.is_structured())
      read_extra(extra, where, settings);
}

using Roles = std::array<std::optional<std::string>*, kRoles.size()>;
Roles roles_of(SpecialTokenSettings& settings) {
  return {&settings.bos, &settings.eos, &settings.unknown, &settings.padding};
}

void take_roles(SpecialTokenSettings& settings) {
  const auto roles = roles_of(settings);
  for (std::size_t i = 0; i < kRoles.size(); ++i)
    if (const auto found = settings.named.find(kRoles[i]); found != settings.named.end())
      *roles[i] = found->second;
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
  const auto map_path = folder / "special_tokens_map.json";
  const std::string where = config_path.string();
  const Json config = std::filesystem::exists(config_path) ? read_json(config_path) : Json();
  const Json map = std::filesystem::exists(map_path) ? read_json(map_path) : Json();
  const bool map_counts = value_or_null(config, "added_tokens_decoder").is_null();
  if (map_counts) read_special_tokens(map, map_path.string(), settings);
  read_special_tokens(config, where, settings);
  if (!map_counts) read_special_tokens(map, map_path.string(), settings);
  take_roles(settings);
  settings.add_bos = optional_flag(config, "add_bos_token", where);
  settings.add_eos = optional_flag(config, "add_eos_token", where);
  settings.legacy_prefix = flag_or(config, "legacy", true, where);
  read_added_tokens_decoder(config, where, settings);
  settings.num_stated = settings.added.size();
  const auto added_path = folder / "added_tokens.json";
  if (std::filesystem::exists(added_path)) read_added_tokens_json(added_path, settings);
  return settings;
}

void name_roles(SpecialTokenSettings& settings) {
  const auto roles = roles_of(settings);
  for (std::size_t i = 0; i < kRoles.size(); ++i)
    if (*roles[i]) settings.named.emplace(kRoles[i], **roles[i]);
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

void add_declared_tokens(const std::vector<AddedToken>& declared, const TokenTable& table,
                         std::vector<AddedToken>& added) {
  for (const auto& token : declared) {
    const auto known = std::find_if(added.begin(), added.end(), [&](const AddedToken& other) {
      return other.content == token.content;
    });
    if (known != added.end()) {
      known->special = true;
    } else if (const auto id = table.find(token.content)) {
      added.push_back(token);
      added.back().id = *id;
    }
  }
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
  parts.named = settings.named;
  add_declared_tokens(settings.declared, table, parts.added);
  parts.types = token_types(parts.tokens, parts.special, has_bytes, parts.added);
}

}  // namespace sqpsych::tokenizers
