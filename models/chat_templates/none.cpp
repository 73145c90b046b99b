#include "models/chat_templates/rendering_writer.h"

namespace sqpsych::chat_templates {
namespace {

/// The bare texts: a line break behind every system and user message, EOS behind every assistant
/// message, no marker of who speaks.
class None : public ChatTemplate {
 public:
  explicit None(TokenTexts texts) : texts_(std::move(texts)) {}

  std::string name() const override { return "none"; }

  Rendering render(const Conversation& messages, bool) const override {
    need_messages(messages, name());
    RenderingWriter writer;
    if (texts_.bos) writer.marker(*texts_.bos);
    for (std::size_t i = 0; i < messages.size(); ++i) {
      need_known_role(messages, i, name());
      const Message& message = messages[i];
      if (message.role != "assistant") {
        writer.content(message.content);
        writer.plain("\n");
        continue;
      }
      writer.begin_supervised(counts_in_loss(message));
      writer.content(message.content);
      writer.marker(texts_.eos);
      writer.end_supervised();
    }
    return writer.finish();
  }

  std::string jinja_source() const override {
    return std::string(texts_.bos ? "{{ bos_token }}" : "") +
           R"j({% for message in messages %})j"
           R"j({% if message['role'] not in ['system', 'user', 'assistant'] %})j"
           R"j({{ raise_exception('message ' ~ loop.index ~ ': expected role system, user or assistant') }})j"
           R"j({% endif %})j"
           R"j({% if message['role'] == 'assistant' %}{{ message['content'] + eos_token }})j"
           R"j({% else %}{{ message['content'] + '\n' }}{% endif %})j"
           R"j({% endfor %})j";
  }

  std::string terminator() const override { return texts_.eos; }
  std::vector<std::string> markers() const override {
    std::vector<std::string> markers = {texts_.eos};
    if (texts_.bos) markers.insert(markers.begin(), *texts_.bos);
    return markers;
  }

 private:
  TokenTexts texts_;
};

}  // namespace

std::unique_ptr<ChatTemplate> make_none(TokenTexts texts) {
  return std::make_unique<None>(std::move(texts));
}

}  // namespace sqpsych::chat_templates
