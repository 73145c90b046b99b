#pragma once

#include <string>

#include "core/json.h"
#include "generate/backends/backend.h"
#include "generate/backends/endpoint.h"

namespace sqpsych {

/// The body of POST /chat/completions. Keys that are not in OpenAI's protocol (top_k, min_p,
/// repetition_penalty) are sent only when they matter; `extra_body` comes last and wins.
Json chat_request(const std::string& model, const BackendRequest& request, const Json& extra_body);

/// What the server answered, as a reply: text, or a failure (see BackendReply).
BackendReply read_chat_reply(const HttpReply& http, const std::string& origin);

/// True for what another request may mend: no answer, 408, 429, 5xx, an unreadable reply.
bool may_pass(const HttpReply& http, const BackendReply& reply);

/// The value of a key when it is a text, else an empty one.
std::string text_or_empty(const Json& object, const char* key);

}  // namespace sqpsych
