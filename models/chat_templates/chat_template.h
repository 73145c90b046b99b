#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/fields.h"
#include "core/json.h"
#include "models/chat_templates/template_sources.h"
#include "models/message.h"
#include "models/tokenized_row.h"
#include "models/tokenizers/tokenizer.h"

namespace sqpsych {

/// How messages become text; the keys stand wherever a command takes a model.
struct ChatTemplateOptions {
  std::string chat_template;
  Json chat_template_kwargs = Json::object();
  bool merge_system = false;
  bool merge_consecutive = false;
  bool parse_special = false;

  template <class Visitor>
  void fields(Visitor& visit) {
    visit("chat_template", chat_template,
          "built-in template (chatml, llama2, llama3, none) or one of the model's named ones; "
          "empty: the model's own");
    visit("chat_template_kwargs", chat_template_kwargs,
          "further variables of the template, e.g. {\"enable_thinking\": false}");
    visit(
        "merge_system", merge_system,
        "put a system message in front of the next user message, for templates without that role");
    visit("merge_consecutive", merge_consecutive,
          "join messages of the same role in a row, for templates whose roles must alternate");
    visit("parse_special", parse_special,
          "special tokens written inside messages count as such instead of as plain text");
  }
};

/// A rendered conversation: the text, which byte ranges came out of message contents (data: never
/// parsed for special tokens) and which ranges are supervised (assistant content plus the
/// terminator that follows it). All from one rendering, so text and loss mask cannot disagree.
struct Rendering {
  std::string text;
  std::vector<ByteSpan> contents;
  std::vector<ByteSpan> supervised;
  std::vector<ByteSpan> markers;  ///< each is the text of one control token of a built-in template
};

/// Turns messages into the model's prompt text by a Jinja template. Immutable; safe to use from
/// many threads.
class ChatTemplate {
 public:
  struct Parts;
  explicit ChatTemplate(std::unique_ptr<const Parts> parts);
  ~ChatTemplate();

  /// The built-in's name, else "default" or the name the model gives it.
  const std::string& name() const;
  bool is_built_in() const;
  const ChatTemplateOptions& options() const;
  /// `add_generation_prompt` ends the text where the assistant is to speak.
  /// ConfigError with the message's number when the template refuses the conversation; FormatError
  /// with line and column when the template itself is at fault.
  Rendering render(const Conversation& messages, bool add_generation_prompt) const;
  /// The template, for tokenizer_config.json and GGUF.
  const std::string& jinja_source() const;
  /// Text that ends an assistant turn, e.g. "<|im_end|>"; generation stops there. Empty when the
  /// template writes no control token behind it.
  const std::string& terminator() const;
  /// Texts of a built-in template that should be single tokens of the vocabulary.
  std::vector<std::string> markers() const;

 private:
  std::unique_ptr<const Parts> parts_;
};

/// Names of the built-in templates in the order of the list: chatml, llama2, llama3, none.
std::vector<std::string> chat_template_names();
/// A built-in template. ConfigError names the choices. `bos`/`eos` texts come from the tokenizer.
std::unique_ptr<ChatTemplate> make_chat_template(const std::string& name,
                                                 const Tokenizer& tokenizer);
/// `options.chat_template` when set: a built-in one or one of the named sources. Else the built-in
/// one that `sqpsych new-model`, training or export recorded; else the model's default source.
/// Otherwise a ConfigError that names the choices.
std::unique_ptr<ChatTemplate> choose_chat_template(const ChatTemplateOptions& options,
                                                   const TemplateSources& sources,
                                                   const Tokenizer& tokenizer);

/// ids + supervised flags of a conversation. Exactly one BOS where the tokenizer adds one or the
/// template writes one. Markers that are not in the vocabulary become ordinary pieces, with one
/// warning.
TokenizedRow tokenize_conversation(const Tokenizer& tokenizer, const ChatTemplate& chat_template,
                                   const Conversation& messages, bool add_generation_prompt);

/// The conversations that training renders for this one, so that every reply is seen as at
/// inference: the conversation itself, or, when the template renders a reply differently once other
/// messages follow it, one for each reply that counts in the loss, ending there.
std::vector<Conversation> training_conversations(const ChatTemplate& chat_template,
                                                 const Conversation& messages);

}  // namespace sqpsych
