#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "models/tokenizers/tokenizer.h"

namespace sqpsych {

/// The chat template that goes into an exported model.
struct ChatTemplateSource {
  std::string jinja;                         ///< empty: the model has none
  std::map<std::string, std::string> named;  ///< further templates by name ("tool_use" ...)
  std::string builtin;     ///< name of our built-in template when that is the source
  std::string terminator;  ///< text that ends a turn; empty when not known
};

struct ChatTemplateSearch {
  std::filesystem::path model;
  std::optional<std::filesystem::path> adapter;
  std::string configured;  ///< `chat_template` setting; empty: not set
};

/// In this order: the configured built-in; the one recorded in the adapter's tokenizer_config.json
/// (it was trained with that); the model folder's own Jinja source, verbatim (chat_template.jinja,
/// tokenizer_config.json, chat_template.json); the one recorded in the model folder; none.
ChatTemplateSource find_chat_template(const ChatTemplateSearch& search, const Tokenizer& tokenizer);

}  // namespace sqpsych
