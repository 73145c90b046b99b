#include "core/error.h"
#include "core/text.h"
#include "models/chat_templates/rendering_writer.h"

namespace sqpsych::chat_templates {
namespace {

/// [INST] USER [/INST] ASSISTANT EOS, contents stripped; a system message stands inside the first
/// user turn between <<SYS>> and <</SYS>>; user and assistant alternate. One BOS at the very start.
class Llama2 : public ChatTemplate {
 public:
  explicit Llama2(TokenTexts texts) : texts_(std::move(texts)) {}

  std::string name() const override { return "llama2"; }

  Rendering render(const Conversation& messages, bool add_generation_prompt) const override {
    need_messages(messages, name());
    check_roles(messages, add_generation_prompt);
    RenderingWriter writer;
    if (texts_.bos) writer.marker(*texts_.bos);
    const bool has_system = messages.front().role == "system";
    for (std::size_t i = has_system ? 1 : 0; i < messages.size(); ++i) {
      const Message& message = messages[i];
      if (message.role == "user")
        write_user(message, has_system && i == 1 ? &messages.front() : nullptr, writer);
      else
        write_assistant(message, writer);
    }
    return writer.finish();
  }

  std::string jinja_source() const override {
    return std::string(texts_.bos ? "{{ bos_token }}" : "") +
           R"j({% set offset = 1 if messages[0]['role'] == 'system' else 0 %})j"
           R"j({% if messages | length <= offset %}{{ raise_exception('expected a user message') }}{% endif %})j"
           R"j({% if add_generation_prompt and messages[-1]['role'] == 'assistant' %})j"
           R"j({{ raise_exception('expected the last message from the user') }}{% endif %})j"
           R"j({% for message in messages[offset:] %})j"
           R"j({% if message['role'] != ('user' if loop.index0 % 2 == 0 else 'assistant') %})j"
           R"j({{ raise_exception('message ' ~ (loop.index + offset) ~ ': user and assistant must alternate') }})j"
           R"j({% endif %})j"
           R"j({% if message['role'] == 'user' %})j"
           R"j({{ '[INST] ' }})j"
           R"j({% if loop.index0 == 0 and offset == 1 %})j"
           R"j({{ '<<SYS>>\n' }}{{ messages[0]['content'] | trim }}{{ '\n<</SYS>>\n\n' }})j"
           R"j({% endif %})j"
           R"j({{ message['content'] | trim }}{{ ' [/INST]' }})j"
           R"j({% else %})j"
           R"j({{ ' ' }}{{ message['content'] | trim }}{{ ' ' + eos_token }})j"
           R"j({% endif %})j"
           R"j({% endfor %})j";
  }

  std::string terminator() const override { return texts_.eos; }
  std::vector<std::string> markers() const override {
    std::vector<std::string> markers = {texts_.eos};
    if (texts_.bos) markers.insert(markers.begin(), *texts_.bos);
    return markers;
  }

 private:
  void check_roles(const Conversation& messages, bool add_generation_prompt) const {
    const std::size_t offset = messages.front().role == "system" ? 1 : 0;
    if (messages.size() <= offset)
      throw ConfigError(
          "chat template 'llama2': message 1: found a system message alone, expected a user "
          "message behind it.");
    for (std::size_t i = offset; i < messages.size(); ++i) {
      const std::string expected = (i - offset) % 2 == 0 ? "user" : "assistant";
      if (messages[i].role != expected)
        refuse_role(messages, i, format("'{}': user and assistant alternate", expected), name());
    }
    if (add_generation_prompt && messages.back().role == "assistant")
      refuse_role(messages, messages.size() - 1, "'user' before the assistant speaks", name());
  }

  static void write_user(const Message& message, const Message* system, RenderingWriter& writer) {
    writer.plain("[INST] ");
    if (system) {
      writer.plain("<<SYS>>\n");
      writer.content(stripped(system->content));
      writer.plain("\n<</SYS>>\n\n");
    }
    writer.content(stripped(message.content));
    writer.plain(" [/INST]");
  }

  void write_assistant(const Message& message, RenderingWriter& writer) const {
    writer.plain(" ");
    writer.begin_supervised(counts_in_loss(message));
    writer.content(stripped(message.content));
    writer.plain(" ");
    writer.marker(texts_.eos);
    writer.end_supervised();
  }

  TokenTexts texts_;
};

}  // namespace

std::unique_ptr<ChatTemplate> make_llama2(TokenTexts texts) {
  return std::make_unique<Llama2>(std::move(texts));
}

}  // namespace sqpsych::chat_templates
