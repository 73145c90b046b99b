#include "models/chat_templates/rendering_writer.h"

#include "core/error.h"
#include "core/text.h"

namespace sqpsych::chat_templates {
namespace {

bool is_python_space(char32_t code) {
  return (code >= 0x09 && code <= 0x0D) || (code >= 0x1C && code <= 0x20) || code == 0x85 ||
         code == 0xA0 || code == 0x1680 || (code >= 0x2000 && code <= 0x200A) || code == 0x2028 ||
         code == 0x2029 || code == 0x202F || code == 0x205F || code == 0x3000;
}

}  // namespace

void RenderingWriter::marker(std::string_view text) {
  if (text.empty()) return;
  const std::size_t begin = rendering_.text.size();
  rendering_.text += text;
  rendering_.markers.push_back({begin, rendering_.text.size()});
}

void RenderingWriter::content(std::string_view text) {
  if (text.empty()) return;
  const std::size_t begin = rendering_.text.size();
  rendering_.text += text;
  rendering_.contents.push_back({begin, rendering_.text.size()});
}

void RenderingWriter::begin_supervised(bool counts) {
  if (counts) supervised_from_ = rendering_.text.size();
}

void RenderingWriter::end_supervised() {
  if (supervised_from_)
    rendering_.supervised.push_back({*supervised_from_, rendering_.text.size()});
  supervised_from_.reset();
}

bool counts_in_loss(const Message& message) { return message.weight.value_or(1) != 0; }

std::string_view stripped(std::string_view text) {
  while (!text.empty()) {
    std::size_t next = 0;
    if (!is_python_space(next_code_point(text, next))) break;
    text.remove_prefix(next);
  }
  while (!text.empty()) {
    std::size_t last = text.size() - 1;
    while (last > 0 && (static_cast<unsigned char>(text[last]) & 0xC0) == 0x80) --last;
    std::size_t next = last;
    if (!is_python_space(next_code_point(text, next))) break;
    text.remove_suffix(text.size() - last);
  }
  return text;
}

void need_messages(const Conversation& messages, const std::string& template_name) {
  if (messages.empty())
    throw ConfigError(
        format("chat template '{}': found no messages, expected at least one.", template_name));
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const std::size_t invalid = find_invalid_utf8(messages[i].content);
    if (invalid != std::string::npos)
      throw FormatError(
          format("chat template '{}': message {}: found bytes that are not UTF-8 at offset {}, "
                 "expected UTF-8 text.",
                 template_name, i + 1, invalid));
  }
}

void need_known_role(const Conversation& messages, std::size_t index,
                     const std::string& template_name) {
  const std::string& role = messages[index].role;
  if (role != "system" && role != "user" && role != "assistant")
    refuse_role(messages, index, "system, user or assistant", template_name);
}

void refuse_role(const Conversation& messages, std::size_t index, const std::string& expected,
                 const std::string& template_name) {
  throw ConfigError(
      format("chat template '{}': message {}: found role '{}', expected {}. Merge or reorder "
             "the messages, or choose another chat_template.",
             template_name, index + 1, messages[index].role, expected));
}

}  // namespace sqpsych::chat_templates
