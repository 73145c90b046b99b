#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "models/chat_templates/chat_template.h"

namespace sqpsych::chat_templates {

/// Texts that a template takes from the tokenizer.
struct TokenTexts {
  std::optional<std::string> bos;  ///< set when the rendering is to begin with it
  std::string eos;
};

/// Writes a rendering from left to right and notes what each byte is.
class RenderingWriter {
 public:
  /// Text of the template itself.
  void plain(std::string_view text) { rendering_.text += text; }
  /// Text of the template that should be one control token.
  void marker(std::string_view text);
  /// Text of a message: data, whatever it says.
  void content(std::string_view text);
  /// Everything written until end_supervised() counts in the loss; only when `counts`.
  void begin_supervised(bool counts);
  void end_supervised();
  Rendering finish() { return std::move(rendering_); }

 private:
  Rendering rendering_;
  std::optional<std::size_t> supervised_from_;
};

/// An assistant message that counts in the loss.
bool counts_in_loss(const Message& message);

/// Without white space at both ends, as Python's str.strip() sees it (Jinja's `trim`).
std::string_view stripped(std::string_view text);

/// ConfigErrors with the message's number (from 1).
void need_messages(const Conversation& messages, const std::string& template_name);
void need_known_role(const Conversation& messages, std::size_t index,
                     const std::string& template_name);
[[noreturn]] void refuse_role(const Conversation& messages, std::size_t index,
                              const std::string& expected, const std::string& template_name);

}  // namespace sqpsych::chat_templates
