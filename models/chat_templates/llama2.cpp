#include "models/chat_templates/built_in.h"

namespace sqpsych::chat_templates {

/// [INST] USER [/INST] ASSISTANT EOS, contents stripped; a system message stands inside the first
/// user turn between <<SYS>> and <</SYS>>; user and assistant alternate. One BOS at the very start.
BuiltIn llama2() {
  return {
      "llama2",
      R"j({% set offset = 1 if messages[0]['role'] == 'system' else 0 %})j"
      R"j({% if messages | length <= offset %}{{ raise_exception('expected a user message behind it') }}{% endif %})j"
      R"j({% for message in messages[offset:] %})j"
      R"j({% set expected = 'user' if loop.index0 % 2 == 0 else 'assistant' %})j"
      R"j({% if message['role'] != expected %})j"
      R"j({{ raise_exception("expected '" ~ expected ~ "': user and assistant alternate") }})j"
      R"j({% endif %})j"
      R"j({% if message['role'] == 'user' %})j"
      R"j({{ '[INST] ' }})j"
      R"j({% if loop.index0 == 0 and offset == 1 %})j"
      R"j({{ '<<SYS>>\n' }}{{ messages[0]['content'] | trim }}{{ '\n<</SYS>>\n\n' }})j"
      R"j({% endif %})j"
      R"j({{ message['content'] | trim }}{{ ' [/INST]' }})j"
      R"j({% else %})j"
      R"j({% if add_generation_prompt and loop.last %})j"
      R"j({{ raise_exception("expected 'user' before the assistant speaks") }})j"
      R"j({% endif %})j"
      R"j({{ ' ' }}{{ message['content'] | trim }}{{ ' ' + eos_token }})j"
      R"j({% endif %})j"
      R"j({% endfor %})j",
      Bos::kAlways,
      true,
      {}};
}

}  // namespace sqpsych::chat_templates
