#pragma once

#include <filesystem>
#include <map>
#include <string>

namespace sqpsych {

/// The chat templates that come with a model.
struct TemplateSources {
  std::string where;                         ///< folder or file, for messages
  std::string standard;                      ///< Jinja of the default one; empty: there is none
  std::map<std::string, std::string> named;  ///< Jinja of further ones ("tool_use" ...)
  std::string recorded;  ///< the built-in template the model was made or trained with; may be empty

  bool has_default() const { return !standard.empty() || !recorded.empty(); }
};

/// From chat_template.jinja with additional_chat_templates/*.jinja, else tokenizer_config.json (a
/// text, or a list of {name, template}), else chat_template.json; `sqpsych_chat_template` in
/// tokenizer_config.json is the recorded name. FormatError on malformed files.
TemplateSources read_template_sources(const std::filesystem::path& folder);

}  // namespace sqpsych
