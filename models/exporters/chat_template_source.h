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
  bool is_chosen = false;  ///< by a setting or the adapter: it replaces what the model folder has
};

struct ChatTemplateSearch {
  std::filesystem::path model;
  std::optional<std::filesystem::path> adapter;
  std::string configured;  ///< `chat_template` setting; empty: not set
};

/// In this order: the configured one (built-in, or a named one of the folder); the adapter's (it
/// was trained with that); the model folder's own Jinja source, verbatim; the one recorded in the
/// model folder; none.
ChatTemplateSource find_chat_template(const ChatTemplateSearch& search, const Tokenizer& tokenizer);

}  // namespace sqpsych
