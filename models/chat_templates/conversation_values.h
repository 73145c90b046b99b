#pragma once

#include "models/chat_templates/chat_template.h"
#include "models/chat_templates/jinja/template.h"

namespace sqpsych::chat_templates {

/// The template's variable `messages`: dicts of role and content. The content of message i (and the
/// dict itself) has the source i + 1, so that the rendering tells where its parts came from.
/// Messages are merged as the options say. ConfigError or FormatError with the message's number
/// when there are none, when a content is no UTF-8, or when a role is no plain word.
jinja::Value message_values(const Conversation& messages, const ChatTemplateOptions& options,
                            const std::string& where);

}  // namespace sqpsych::chat_templates
