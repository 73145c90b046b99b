#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "models/message.h"
#include "models/tokenized_row.h"
#include "models/tokenizers/tokenizer.h"

namespace sqpsych {

/// A rendered conversation: the text, which byte ranges came out of message contents (data: never
/// parsed for special tokens) and which ranges are supervised (assistant content plus the
/// terminator that follows it). All from one rendering, so text and loss mask cannot disagree.
struct Rendering {
  std::string text;
  std::vector<ByteSpan> contents;
  std::vector<ByteSpan> supervised;
  std::vector<ByteSpan> markers;  ///< each is the text of one control token of the template
};

/// Turns messages into the model's prompt text.
class ChatTemplate {
 public:
  virtual ~ChatTemplate() = default;
  virtual std::string name() const = 0;
  /// `add_generation_prompt` ends the text where the assistant is to speak.
  /// ConfigError when the template does not allow these roles, with the message's number.
  virtual Rendering render(const Conversation& messages, bool add_generation_prompt) const = 0;
  /// Jinja source that renders the same text, for tokenizer_config.json and GGUF.
  virtual std::string jinja_source() const = 0;
  /// Text that ends an assistant turn, e.g. "<|im_end|>"; generation stops there.
  virtual std::string terminator() const = 0;
  /// Marker texts that should be single tokens of the vocabulary.
  virtual std::vector<std::string> markers() const = 0;
};

/// Names of the built-in templates in the order of the list: chatml, llama2, llama3, none.
std::vector<std::string> chat_template_names();
/// ConfigError names the choices. `bos`/`eos` texts come from the tokenizer.
std::unique_ptr<ChatTemplate> make_chat_template(const std::string& name,
                                                 const Tokenizer& tokenizer);
/// Name of the built-in template whose jinja_source() is `jinja`, or empty.
std::string chat_template_of_jinja(const std::string& jinja, const Tokenizer& tokenizer);
/// Chooses the template of a model: `configured` when set, else the name that `sqpsych new-model`,
/// training and export recorded as `sqpsych_chat_template` in tokenizer_config.json. Otherwise a
/// ConfigError that names the choices.
std::unique_ptr<ChatTemplate> choose_chat_template(const std::string& configured,
                                                   const std::filesystem::path& folder,
                                                   const Tokenizer& tokenizer);

/// ids + supervised flags of a conversation. Exactly one BOS. Markers that are not in the
/// vocabulary become ordinary pieces, with one warning.
TokenizedRow tokenize_conversation(const Tokenizer& tokenizer, const ChatTemplate& chat_template,
                                   const Conversation& messages, bool add_generation_prompt);

}  // namespace sqpsych
