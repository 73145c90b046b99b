#include "models/chat_templates/rendering_writer.h"

namespace sqpsych::chat_templates {
namespace {

constexpr std::string_view kStart = "<|start_header_id|>";
constexpr std::string_view kEnd = "<|end_header_id|>";
constexpr std::string_view kEot = "<|eot_id|>";

/// <|start_header_id|>ROLE<|end_header_id|>\n\nCONTENT<|eot_id|> for every message, contents
/// stripped; roles in any order.
class Llama3 : public ChatTemplate {
 public:
  explicit Llama3(TokenTexts texts) : texts_(std::move(texts)) {}

  std::string name() const override { return "llama3"; }

  Rendering render(const Conversation& messages, bool add_generation_prompt) const override {
    need_messages(messages, name());
    RenderingWriter writer;
    if (texts_.bos) writer.marker(*texts_.bos);
    for (std::size_t i = 0; i < messages.size(); ++i) {
      need_known_role(messages, i, name());
      const Message& message = messages[i];
      write_header(message.role, writer);
      writer.begin_supervised(message.role == "assistant" && counts_in_loss(message));
      writer.content(stripped(message.content));
      writer.marker(kEot);
      writer.end_supervised();
    }
    if (add_generation_prompt) write_header("assistant", writer);
    return writer.finish();
  }

  std::string jinja_source() const override {
    return std::string(texts_.bos ? "{{ bos_token }}" : "") +
           R"j({% for message in messages %})j"
           R"j({% if message['role'] not in ['system', 'user', 'assistant'] %})j"
           R"j({{ raise_exception('message ' ~ loop.index ~ ': expected role system, user or assistant') }})j"
           R"j({% endif %})j"
           R"j({{ '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n' }})j"
           R"j({{ message['content'] | trim }}{{ '<|eot_id|>' }})j"
           R"j({% endfor %})j"
           R"j({% if add_generation_prompt %})j"
           R"j({{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }})j"
           R"j({% endif %})j";
  }

  std::string terminator() const override { return std::string(kEot); }
  std::vector<std::string> markers() const override {
    return {std::string(kStart), std::string(kEnd), std::string(kEot)};
  }

 private:
  static void write_header(std::string_view role, RenderingWriter& writer) {
    writer.marker(kStart);
    writer.plain(role);
    writer.marker(kEnd);
    writer.plain("\n\n");
  }

  TokenTexts texts_;
};

}  // namespace

std::unique_ptr<ChatTemplate> make_llama3(TokenTexts texts) {
  return std::make_unique<Llama3>(std::move(texts));
}

}  // namespace sqpsych::chat_templates
