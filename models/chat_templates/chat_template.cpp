#include "models/chat_templates/chat_template.h"

#include <algorithm>
#include <ctime>

#include "core/error.h"
#include "core/log.h"
#include "core/text.h"
#include "models/chat_templates/built_in.h"
#include "models/chat_templates/conversation_values.h"
#include "models/chat_templates/supervision.h"

namespace sqpsych {
namespace chat_templates {

BuiltIn chatml();
BuiltIn llama2();
BuiltIn llama3();
BuiltIn none();

namespace {

// One line per template, each in the file of its name.
const std::vector<BuiltIn>& built_ins() {
  static const std::vector<BuiltIn> kBuiltIns = {chatml(), llama2(), llama3(), none()};
  return kBuiltIns;
}

const BuiltIn* find_built_in(const std::string& name) {
  for (const auto& built_in : built_ins())
    if (name == built_in.name) return &built_in;
  return nullptr;
}

std::optional<std::string> text_of(const Tokenizer& tokenizer, std::optional<TokenId> id) {
  return id ? std::optional(tokenizer.token_of(*id)) : std::nullopt;
}

std::string source_of(const BuiltIn& built_in, const Tokenizer& tokenizer) {
  const bool has_bos = tokenizer.bos() && (built_in.bos == Bos::kAlways || tokenizer.adds_bos());
  return (has_bos ? "{{ bos_token }}" : "") + built_in.source;
}

std::vector<std::string> control_texts_of(const Tokenizer& tokenizer) {
  std::vector<std::string> texts;
  for (TokenId id = 0; id < tokenizer.size(); ++id)
    if (tokenizer.is_control(id)) texts.push_back(tokenizer.token_of(id));
  return texts;
}

}  // namespace
}  // namespace chat_templates

struct ChatTemplate::Parts {
  std::string name;
  std::string where;  ///< stands in front of every message
  std::string source;
  jinja::Template parsed;
  jinja::Variables variables;  ///< the same for all conversations
  ChatTemplateOptions options;
  bool is_built_in = false;
  chat_templates::ControlTexts controls;
  std::string terminator;
  std::vector<std::string> markers;
  std::time_t now = std::time(nullptr);
};

namespace chat_templates {
namespace {

using Parts = ChatTemplate::Parts;

[[noreturn]] void refuse(const Parts& parts, const Conversation& messages,
                         const jinja::TemplateRefusal& refusal) {
  std::string about;
  if (refusal.source > 0)
    about =
        format("message {}: found role '{}', ", refusal.source, messages[refusal.source - 1].role);
  const std::string reason = parts.is_built_in
                                 ? refusal.message
                                 : format("refused by the template: '{}'", refusal.message);
  throw ConfigError(
      format("{}: {}{}. Reorder the messages, set merge_system or merge_consecutive, or choose "
             "another chat_template.",
             parts.where, about, reason));
}

jinja::Text rendered(const Parts& parts, const Conversation& messages, bool add_generation_prompt) {
  auto variables = parts.variables;
  variables.emplace_back("messages", message_values(messages, parts.options, parts.where));
  variables.emplace_back("add_generation_prompt", jinja::Value(add_generation_prompt));
  try {
    return parts.parsed.render(variables, parts.now);
  } catch (const jinja::TemplateRefusal& refusal) {
    refuse(parts, messages, refusal);
  }
}

/// The control token behind the reply of a short conversation that the template accepts.
std::string find_terminator(const Parts& parts) {
  const Conversation talks[] = {
      {{"user", "a", {}}, {"assistant", "b", {}}, {"user", "c", {}}, {"assistant", "d", {}}},
      {{"system", "s", {}}, {"user", "a", {}}, {"assistant", "b", {}}},
      {{"user", "a", {}}, {"assistant", "b", {}}}};
  for (const auto& talk : talks) {
    try {
      const auto text = rendered(parts, talk, false);
      const auto spans = supervised_spans(text, talk, parts.controls, false);
      if (spans.empty()) continue;
      for (const auto& control : control_spans(text, parts.controls))
        if (control.begin >= spans.front().begin && control.end <= spans.front().end)
          return text.bytes.substr(control.begin, control.end - control.begin);
    } catch (const Error&) {  // this template wants another conversation
    }
  }
  return "";
}

/// What transformers gives every template, then the settings' own variables.
jinja::Variables common_variables(const Tokenizer& tokenizer, const ChatTemplateOptions& options) {
  jinja::Variables variables = {{"tools", jinja::Value(jinja::None{})},
                                {"documents", jinja::Value(jinja::None{})}};
  for (const auto& [name, text] : tokenizer.special_texts())
    variables.emplace_back(name, jinja::Value(std::string_view(text)));
  if (!options.chat_template_kwargs.is_object())
    throw ConfigError(format("chat_template_kwargs: found {}, expected an object.",
                             options.chat_template_kwargs.dump()));
  for (const auto& [name, value] : options.chat_template_kwargs.items()) {
    if (name == "messages" || name == "add_generation_prompt")
      throw ConfigError(
          format("chat_template_kwargs: found '{}', expected other variables.", name));
    variables.emplace_back(name, jinja::value_of(value));
  }
  return variables;
}

/// A built-in template may ask for tokens that the model's files use without naming them.
void add_if_absent(const char* name, const std::optional<std::string>& text,
                   jinja::Variables& variables) {
  const auto is_name = [&](const auto& variable) { return variable.first == name; };
  if (text && std::none_of(variables.begin(), variables.end(), is_name))
    variables.emplace_back(name, jinja::Value(std::string_view(*text)));
}

std::unique_ptr<ChatTemplate> make(const BuiltIn& built_in, const ChatTemplateOptions& options,
                                   const Tokenizer& tokenizer) {
  const auto eos = text_of(tokenizer, tokenizer.eos());
  if (built_in.ends_with_eos && !eos)
    throw ConfigError(
        format("chat_template '{}': it ends turns with the end-of-text token, and the tokenizer "
               "names none. Set eos_token in tokenizer_config.json, or choose chatml or llama3.",
               built_in.name));
  const auto source = source_of(built_in, tokenizer);
  const bool has_bos = source.size() > built_in.source.size();
  const auto bos = has_bos ? text_of(tokenizer, tokenizer.bos()) : std::nullopt;
  auto markers = built_in.markers;
  if (built_in.ends_with_eos && bos) markers.push_back(*bos);
  if (built_in.ends_with_eos) markers.push_back(*eos);
  auto controls = markers;
  if (bos) controls.push_back(*bos);
  const auto where = format("chat template '{}'", built_in.name);
  auto variables = common_variables(tokenizer, options);
  add_if_absent("bos_token", bos, variables);
  add_if_absent("eos_token", eos, variables);
  return std::make_unique<ChatTemplate>(std::unique_ptr<const Parts>(
      new Parts{built_in.name, where, source, jinja::Template(source, where), std::move(variables),
                options, true, ControlTexts(controls), markers.back(), markers}));
}

std::unique_ptr<ChatTemplate> make(const std::string& name, const std::string& source,
                                   const ChatTemplateOptions& options, const Tokenizer& tokenizer) {
  const auto where = format("chat template '{}'", name);
  auto parts = std::unique_ptr<Parts>(new Parts{name,
                                                where,
                                                source,
                                                jinja::Template(source, where),
                                                common_variables(tokenizer, options),
                                                options,
                                                false,
                                                ControlTexts(control_texts_of(tokenizer)),
                                                "",
                                                {}});
  parts->terminator = find_terminator(*parts);
  if (parts->parsed.asks_for_time())
    warn_once(
        format("{}: it may show today's date, so ids can differ from day to day. Give it the "
               "date in chat_template_kwargs if it takes one.",
               where));
  return std::make_unique<ChatTemplate>(std::unique_ptr<const Parts>(std::move(parts)));
}

/// The built-in template with this very source, so that its markers are known.
const BuiltIn* built_in_with_source(const std::string& source, const Tokenizer& tokenizer) {
  for (const auto& built_in : built_ins())
    if ((!built_in.ends_with_eos || tokenizer.eos()) && source_of(built_in, tokenizer) == source)
      return &built_in;
  return nullptr;
}

std::vector<std::string> names_of(const TemplateSources& sources) {
  std::vector<std::string> names;
  if (!sources.standard.empty()) names.emplace_back("default");
  for (const auto& entry : sources.named) names.push_back(entry.first);
  return names;
}

std::string choices(const TemplateSources& sources) {
  std::string text = quoted_list(chat_template_names());
  if (const auto own = names_of(sources); !own.empty())
    text += " or the model's own " + quoted_list(own);
  return text;
}

std::unique_ptr<ChatTemplate> make_named(const std::string& name,
                                         const ChatTemplateOptions& options,
                                         const TemplateSources& sources,
                                         const Tokenizer& tokenizer) {
  if (const auto* built_in = find_built_in(name)) return make(*built_in, options, tokenizer);
  if (name == "default" && !sources.standard.empty())
    return make(name, sources.standard, options, tokenizer);
  if (const auto found = sources.named.find(name); found != sources.named.end())
    return make(name, found->second, options, tokenizer);
  throw ConfigError(
      format("chat_template: found '{}', expected one of {}.", name, choices(sources)));
}

}  // namespace
}  // namespace chat_templates

ChatTemplate::ChatTemplate(std::unique_ptr<const Parts> parts) : parts_(std::move(parts)) {}
ChatTemplate::~ChatTemplate() = default;

const std::string& ChatTemplate::name() const { return parts_->name; }
bool ChatTemplate::is_built_in() const { return parts_->is_built_in; }
const ChatTemplateOptions& ChatTemplate::options() const { return parts_->options; }
const std::string& ChatTemplate::jinja_source() const { return parts_->source; }
const std::string& ChatTemplate::terminator() const { return parts_->terminator; }
std::vector<std::string> ChatTemplate::markers() const { return parts_->markers; }

Rendering ChatTemplate::render(const Conversation& messages, bool add_generation_prompt) const {
  const auto text = chat_templates::rendered(*parts_, messages, add_generation_prompt);
  Rendering rendering;
  rendering.supervised = chat_templates::supervised_spans(text, messages, parts_->controls,
                                                          parts_->parsed.has_generation());
  if (parts_->is_built_in)
    rendering.markers = chat_templates::control_spans(text, parts_->controls);
  if (!parts_->options.parse_special) rendering.contents = chat_templates::content_spans(text);
  rendering.text = text.bytes;
  return rendering;
}

std::vector<std::string> chat_template_names() {
  std::vector<std::string> names;
  for (const auto& built_in : chat_templates::built_ins()) names.push_back(built_in.name);
  return names;
}

std::unique_ptr<ChatTemplate> make_chat_template(const std::string& name,
                                                 const Tokenizer& tokenizer) {
  return chat_templates::make_named(name, {}, {}, tokenizer);
}

std::unique_ptr<ChatTemplate> choose_chat_template(const ChatTemplateOptions& options,
                                                   const TemplateSources& sources,
                                                   const Tokenizer& tokenizer) {
  using namespace chat_templates;
  if (!options.chat_template.empty())
    return make_named(options.chat_template, options, sources, tokenizer);
  if (!sources.recorded.empty()) return make_named(sources.recorded, options, sources, tokenizer);
  if (!sources.standard.empty()) {
    const auto* built_in = built_in_with_source(sources.standard, tokenizer);
    return built_in ? make(*built_in, options, tokenizer)
                    : make("default", sources.standard, options, tokenizer);
  }
  throw ConfigError(format(
      "{}: chat template: found {}, expected a choice. Set chat_template to "
      "one of {}.",
      sources.where, sources.named.empty() ? "none" : "several but no default", choices(sources)));
}

}  // namespace sqpsych
