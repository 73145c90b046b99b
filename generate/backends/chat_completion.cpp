#include "generate/backends/chat_completion.h"

#include "core/error.h"
#include "core/json_lines.h"
#include "core/text.h"

namespace sqpsych {

std::string text_or_empty(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

namespace {

/// llama.cpp reads seeds as 32-bit numbers, others as signed ones.
std::int64_t server_seed(std::uint64_t seed) {
  return static_cast<std::int64_t>(seed & 0x7fffffffU);
}

std::int64_t count_or_zero(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number_integer() ? found->get<std::int64_t>() : 0;
}

/// `{"error": {"message": ...}}`, `{"error": ...}`, `{"message": ...}` and `{"detail": ...}` are
/// all in use.
std::string error_text(const Json& json) {
  if (json.is_string()) return json.get<std::string>();
  for (const char* key : {"error", "message", "detail"})
    if (json.is_object() && json.contains(key)) return error_text(json[key]);
  return "";
}

/// First 200 bytes of what the server says went wrong; kept in the record, never logged.
std::string error_detail(const std::string& body) {
  try {
    auto text = error_text(parse_json(body, "reply"));
    while (text.size() > 200) {
      text.resize(200);
      while (!is_valid_utf8(text)) text.pop_back();
    }
    return text;
  } catch (const Error&) {
    return "";
  }
}

BackendReply failed(const std::string& failure, const std::string& detail = "") {
  BackendReply reply;
  reply.failure = failure;
  reply.detail = detail;
  return reply;
}

/// Reads a chat completion; a shape that is none is `malformed`.
BackendReply read_completion(const std::string& body) {
  try {
    const auto json = parse_json(body, "reply");
    const auto& choice = json.at("choices").at(0);
    const auto& message = choice.at("message");
    BackendReply reply;
    reply.text = text_or_empty(message, "content");
    reply.reasoning = text_or_empty(message, "reasoning_content");
    if (reply.reasoning.empty()) reply.reasoning = text_or_empty(message, "reasoning");
    reply.model = text_or_empty(json, "model");
    const auto finish = text_or_empty(choice, "finish_reason");
    reply.stop_reason = finish == "length" ? "max_tokens" : finish == "stop" ? "end_token" : finish;
    if (json.contains("usage") && json["usage"].is_object()) {
      reply.prompt_tokens = count_or_zero(json["usage"], "prompt_tokens");
      reply.completion_tokens = count_or_zero(json["usage"], "completion_tokens");
    }
    if (finish == "content_filter" || !text_or_empty(message, "refusal").empty())
      reply.failure = "refused";
    else if (trim(reply.text).empty())
      reply.failure = "empty";
    return reply;
  } catch (const FormatError&) {
    return failed("malformed", "the reply is no JSON");
  } catch (const Json::exception&) {
    return failed("malformed", "the reply has no choices[0].message");
  }
}

/// vLLM, llama-server and OpenAI each say it in their own way.
bool says_context_full(const std::string& body) {
  const auto text = to_lower_ascii(body);
  for (const char* sign :
       {"maximum context length", "exceed_context_size", "context_length_exceeded"})
    if (text.find(sign) != std::string::npos) return true;
  return false;
}

}  // namespace

Json chat_request(const std::string& model, const BackendRequest& request, const Json& extra_body) {
  Json messages = Json::array();
  for (const auto& message : request.messages)
    messages.push_back({{"role", message.role}, {"content", message.content}});
  const auto& sampling = request.sampling;
  Json body = {{"model", model},
               {"messages", messages},
               {"temperature", sampling.temperature},
               {"top_p", sampling.top_p},
               {"max_tokens", sampling.max_tokens},
               {"seed", server_seed(request.seed)},
               {"stream", false}};
  if (sampling.top_k > 0) body["top_k"] = sampling.top_k;
  if (sampling.min_p > 0) body["min_p"] = sampling.min_p;
  if (sampling.repetition_penalty != 1) body["repetition_penalty"] = sampling.repetition_penalty;
  if (!sampling.stop.empty()) body["stop"] = sampling.stop;
  for (const auto& [key, value] : extra_body.items()) body[key] = value;
  return body;
}

BackendReply read_chat_reply(const HttpReply& http, const std::string& origin) {
  if (http.status == 0) return failed(http.failure, "no answer from " + origin);
  if (http.status >= 300 && http.status < 400)
    return failed("redirect", "the server sends requests on to another address");
  if (http.status == 400 && says_context_full(http.body))
    return failed("context_full", error_detail(http.body));
  if (http.status != 200) return failed(format("http {}", http.status), error_detail(http.body));
  return read_completion(http.body);
}

bool may_pass(const HttpReply& http, const BackendReply& reply) {
  return http.status == 0 || http.status == 429 || http.status == 408 || http.status >= 500 ||
         reply.failure == "malformed";
}

}  // namespace sqpsych
