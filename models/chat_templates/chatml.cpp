#include "models/chat_templates/rendering_writer.h"

namespace sqpsych::chat_templates {
namespace {

constexpr std::string_view kStart = "<|im_start|>";
constexpr std::string_view kEnd = "<|im_end|>";

/// <|im_start|>ROLE\nCONTENT<|im_end|>\n for every message; roles in any order.
class Chatml : public ChatTemplate {
 public:
  explicit Chatml(TokenTexts texts) : texts_(std::move(texts)) {}

  std::string name() const override { return "chatml"; }

  Rendering render(const Conversation& messages, bool add_generation_prompt) const override {
    need_messages(messages, name());
    RenderingWriter writer;
    if (texts_.bos) writer.marker(*texts_.bos);
    for (std::size_t i = 0; i < messages.size(); ++i) {
      need_known_role(messages, i, name());
      const Message& message = messages[i];
      writer.marker(kStart);
      writer.plain(message.role + "\n");
      writer.begin_supervised(message.role == "assistant" && counts_in_loss(message));
      writer.content(message.content);
      writer.marker(kEnd);
      writer.end_supervised();
      writer.plain("\n");
    }
    if (add_generation_prompt) {
      writer.marker(kStart);
      writer.plain("assistant\n");
    }
    return writer.finish();
  }

  std::string jinja_source() const override {
    return std::string(texts_.bos ? "{{ bos_token }}" : "") +
           R"j({% for message in messages %})j"
           R"j({% if message['role'] not in ['system', 'user', 'assistant'] %})j"
           R"j({{ raise_exception('message ' ~ loop.index ~ ': expected role system, user or assistant') }})j"
           R"j({% endif %})j"
           R"j({{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }})j"
           R"j({% endfor %})j"
           R"j({% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %})j";
  }

  std::string terminator() const override { return std::string(kEnd); }
  std::vector<std::string> markers() const override {
    return {std::string(kStart), std::string(kEnd)};
  }

 private:
  TokenTexts texts_;
};

}  // namespace

std::unique_ptr<ChatTemplate> make_chatml(TokenTexts texts) {
  return std::make_unique<Chatml>(std::move(texts));
}

}  // namespace sqpsych::chat_templates
