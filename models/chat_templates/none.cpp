#include "models/chat_templates/built_in.h"

namespace sqpsych::chat_templates {

/// The bare texts: a line break behind every system and user message, EOS behind every assistant
/// message, no marker of who speaks.
BuiltIn none() {
  return {"none",
          R"j({% for message in messages %})j"
          R"j({% if message['role'] not in ['system', 'user', 'assistant'] %})j"
          R"j({{ raise_exception('expected system, user or assistant') }})j"
          R"j({% endif %})j"
          R"j({% if message['role'] == 'assistant' %}{{ message['content'] + eos_token }})j"
          R"j({% else %}{{ message['content'] + '\n' }}{% endif %})j"
          R"j({% endfor %})j",
          Bos::kAsTokenizer,
          true,
          {}};
}

}  // namespace sqpsych::chat_templates
