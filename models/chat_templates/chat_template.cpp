#include "models/chat_templates/chat_template.h"

#include <algorithm>

#include "core/error.h"
#include "core/files.h"
#include "core/text.h"
#include "models/chat_templates/rendering_writer.h"
#include "models/tokenizers/pipeline/json_members.h"

namespace sqpsych {
namespace chat_templates {

std::unique_ptr<ChatTemplate> make_chatml(TokenTexts texts);
std::unique_ptr<ChatTemplate> make_llama2(TokenTexts texts);
std::unique_ptr<ChatTemplate> make_llama3(TokenTexts texts);
std::unique_ptr<ChatTemplate> make_none(TokenTexts texts);

namespace {

/// When a rendering begins with BOS: the format itself says so, or the tokenizer's setting does.
enum class Bos { kAlways, kAsTokenizer };

struct BuiltIn {
  const char* name;
  std::unique_ptr<ChatTemplate> (*make)(TokenTexts);
  Bos bos;
  bool needs_eos;
};

// One line per template, each in the file of its name.
constexpr BuiltIn kBuiltIns[] = {
    {"chatml", make_chatml, Bos::kAsTokenizer, false},
    {"llama2", make_llama2, Bos::kAlways, true},
    {"llama3", make_llama3, Bos::kAlways, false},
    {"none", make_none, Bos::kAsTokenizer, true},
};

const BuiltIn* find_built_in(const std::string& name) {
  for (const auto& built_in : kBuiltIns)
    if (name == built_in.name) return &built_in;
  return nullptr;
}

std::unique_ptr<ChatTemplate> make(const BuiltIn& built_in, const Tokenizer& tokenizer) {
  TokenTexts texts;
  if (tokenizer.bos() && (built_in.bos == Bos::kAlways || tokenizer.adds_bos()))
    texts.bos = tokenizer.token_of(*tokenizer.bos());
  if (tokenizer.eos()) texts.eos = tokenizer.token_of(*tokenizer.eos());
  if (built_in.needs_eos && texts.eos.empty())
    throw ConfigError(
        format("chat_template '{}': it ends turns with the end-of-text token, and the tokenizer "
               "names none. Set eos_token in tokenizer_config.json, or choose chatml or llama3.",
               built_in.name));
  return built_in.make(std::move(texts));
}

/// The Jinja source in a tokenizer_config.json (alone, or the one called "default" of several).
std::string jinja_in_config(const Json& config) {
  const auto& value = tokenizers::value_or_null(config, "chat_template");
  if (value.is_string()) return value.get<std::string>();
  if (!value.is_array()) return "";
  for (const auto& entry : value)
    if (tokenizers::text_or(entry, "name", "", "chat_template") == "default")
      return tokenizers::text_or(entry, "template", "", "chat_template");
  return "";
}

std::string choices() { return quoted_list(chat_template_names()); }

}  // namespace
}  // namespace chat_templates

std::vector<std::string> chat_template_names() {
  std::vector<std::string> names;
  for (const auto& built_in : chat_templates::kBuiltIns) names.emplace_back(built_in.name);
  return names;
}

std::unique_ptr<ChatTemplate> make_chat_template(const std::string& name,
                                                 const Tokenizer& tokenizer) {
  const auto* built_in = chat_templates::find_built_in(name);
  if (!built_in)
    throw ConfigError(
        format("chat_template: found '{}', expected one of {}.", name, chat_templates::choices()));
  return chat_templates::make(*built_in, tokenizer);
}

std::string chat_template_of_jinja(const std::string& jinja, const Tokenizer& tokenizer) {
  for (const auto& built_in : chat_templates::kBuiltIns) {
    if (built_in.needs_eos && !tokenizer.eos()) continue;
    if (chat_templates::make(built_in, tokenizer)->jinja_source() == jinja) return built_in.name;
  }
  return "";
}

std::unique_ptr<ChatTemplate> choose_chat_template(const std::string& configured,
                                                   const std::filesystem::path& folder,
                                                   const Tokenizer& tokenizer) {
  if (!configured.empty()) return make_chat_template(configured, tokenizer);
  std::string jinja;
  const auto config_path = folder / "tokenizer_config.json";
  if (std::filesystem::exists(config_path)) {
    const auto config = read_json(config_path);
    const auto recorded =
        tokenizers::text_or(config, "sqpsych_chat_template", "", config_path.string());
    if (!recorded.empty()) return make_chat_template(recorded, tokenizer);
    jinja = chat_templates::jinja_in_config(config);
  }
  if (std::filesystem::exists(folder / "chat_template.jinja"))
    jinja = read_file(folder / "chat_template.jinja");
  const std::string found = chat_template_of_jinja(jinja, tokenizer);
  if (!found.empty()) return make_chat_template(found, tokenizer);
  throw ConfigError(
      format("{}: chat template: found {}, expected one of the built-in templates. Set "
             "chat_template to one "
             "of {}.",
             folder.string(),
             jinja.empty() ? "none" : "a Jinja template of its own, which is not supported",
             chat_templates::choices()));
}

}  // namespace sqpsych
