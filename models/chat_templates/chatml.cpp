#include "models/chat_templates/built_in.h"

namespace sqpsych::chat_templates {

/// <|im_start|>ROLE\nCONTENT<|im_end|>\n for every message; roles in any order.
BuiltIn chatml() {
  return {
      "chatml",
      R"j({% for message in messages %})j"
      R"j({% if message['role'] not in ['system', 'user', 'assistant'] %})j"
      R"j({{ raise_exception('expected system, user or assistant') }})j"
      R"j({% endif %})j"
      R"j({{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }})j"
      R"j({% endfor %})j"
      R"j({% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %})j",
      Bos::kAsTokenizer,
      false,
      {"<|im_start|>", "<|im_end|>"}};
}

}  // namespace sqpsych::chat_templates
