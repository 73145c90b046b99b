#include "models/chat_templates/built_in.h"

namespace sqpsych::chat_templates {

/// <|start_header_id|>ROLE<|end_header_id|>\n\nCONTENT<|eot_id|> for every message, contents
/// stripped; roles in any order.
BuiltIn llama3() {
  return {"llama3",
          R"j({% for message in messages %})j"
          R"j({% if message['role'] not in ['system', 'user', 'assistant'] %})j"
          R"j({{ raise_exception('expected system, user or assistant') }})j"
          R"j({% endif %})j"
          R"j({{ '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n' }})j"
          R"j({{ message['content'] | trim }}{{ '<|eot_id|>' }})j"
          R"j({% endfor %})j"
          R"j({% if add_generation_prompt %})j"
          R"j({{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }})j"
          R"j({% endif %})j",
          Bos::kAlways,
          false,
          {"<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"}};
}

}  // namespace sqpsych::chat_templates
