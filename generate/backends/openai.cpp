#include <atomic>
#include <chrono>
#include <cstdlib>
#include <thread>

#include "core/error.h"
#include "core/interrupt.h"
#include "core/json_lines.h"
#include "core/log.h"
#include "core/settings.h"
#include "core/text.h"
#include "generate/backends/backend.h"
#include "generate/backends/endpoint.h"

namespace sqpsych {
namespace {

struct OpenaiConfig {
  std::string base_url = "http://127.0.0.1:8000/v1";
  std::string model;
  std::string api_key_env;
  std::vector<std::string> allow_hosts;
  double timeout_seconds = 300;
  std::int64_t max_retries = 5;
  double backoff_seconds = 1;
  double backoff_max_seconds = 60;
  Json extra_body = Json::object();

  template <class Visitor>
  void fields(Visitor& visit) {
    visit("base_url", base_url, "address up to and without /chat/completions");
    visit("model", model, "name under which the server serves the model");
    visit("api_key_env", api_key_env, "environment variable that holds the key; empty: no key");
    visit("allow_hosts", allow_hosts, "hosts other than loopback that profiles may be sent to");
    visit("timeout_seconds", timeout_seconds, "longest wait for one reply", at_least(0.01));
    visit("max_retries", max_retries,
          "further requests after 429, 5xx, timeouts and lost connections", at_least(0));
    visit("backoff_seconds", backoff_seconds, "first wait before a retry; doubles each time",
          at_least(0));
    visit("backoff_max_seconds", backoff_max_seconds, "longest wait before a retry", at_least(0));
    visit("extra_body", extra_body, "further keys of every request, e.g. chat_template_kwargs");
  }
  void check(ProblemList& problems) const {
    if (model.empty()) problems.add("model: found nothing, expected the served model's name");
    if (!extra_body.is_object()) problems.add("extra_body: expected an object");
  }
};

/// llama.cpp reads seeds as 32-bit numbers, others as signed ones.
std::int64_t server_seed(std::uint64_t seed) {
  return static_cast<std::int64_t>(seed & 0x7fffffffU);
}

Json request_body(const OpenaiConfig& config, const BackendRequest& request) {
  Json messages = Json::array();
  for (const auto& message : request.messages)
    messages.push_back({{"role", message.role}, {"content", message.content}});
  const auto& sampling = request.sampling;
  Json body = {{"model", config.model},
               {"messages", messages},
               {"temperature", sampling.temperature},
               {"top_p", sampling.top_p},
               {"max_tokens", sampling.max_tokens},
               {"seed", server_seed(request.seed)},
               {"stream", false}};
  // Not in the original protocol; servers that know them get them only when they matter.
  if (sampling.top_k > 0) body["top_k"] = sampling.top_k;
  if (sampling.min_p > 0) body["min_p"] = sampling.min_p;
  if (sampling.repetition_penalty != 1) body["repetition_penalty"] = sampling.repetition_penalty;
  if (!sampling.stop.empty()) body["stop"] = sampling.stop;
  for (const auto& [key, value] : config.extra_body.items()) body[key] = value;
  return body;
}

std::string text_or_empty(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

std::int64_t count_or_zero(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number_integer() ? found->get<std::int64_t>() : 0;
}

/// First 200 bytes of what the server says went wrong; kept in the record, never logged.
std::string error_detail(const std::string& body) {
  try {
    const auto json = parse_json(body, "reply");
    const auto& error = json.is_object() && json.contains("error") ? json["error"] : json;
    auto text = error.is_object()   ? text_or_empty(error, "message")
                : error.is_string() ? error.get<std::string>()
                                    : "";
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

bool may_pass(const HttpReply& http, const BackendReply& reply) {
  return http.status == 0 || http.status == 429 || http.status == 408 || http.status >= 500 ||
         reply.failure == "malformed";
}

class OpenaiWorker : public BackendWorker {
 public:
  OpenaiWorker(const OpenaiConfig& config, const BaseUrl& url, const std::string& api_key)
      : config_(config), url_(url), endpoint_(url, api_key, config.timeout_seconds) {}

  BackendReply reply(const BackendRequest& request) override {
    const auto body = request_body(config_, request).dump();
    const Backoff backoff{config_.backoff_seconds, config_.backoff_max_seconds};
    Json attempts = Json::array();
    for (std::int64_t attempt = 0;; ++attempt) {
      const auto http = endpoint_.post(url_.path + "/chat/completions", body);
      auto reply = read(http);
      reply.seconds = http.seconds;
      if (cancelled_) return failed("interrupted");
      if (reply.ok() || !may_pass(http, reply) || attempt >= config_.max_retries) {
        reply.attempts = std::move(attempts);
        return reply;
      }
      const auto wait = backoff.wait_seconds(attempt, request.seed, http.retry_after);
      attempts.push_back({{"reason", reply.failure}, {"wait_seconds", wait}});
      if (!sleep(wait)) return failed("interrupted");
    }
  }

  void cancel() override {
    cancelled_ = true;
    endpoint_.stop();
  }

 private:
  BackendReply read(const HttpReply& http) const {
    if (http.status == 0) return failed(http.failure, "no answer from " + url_.origin());
    if (http.status >= 300 && http.status < 400)
      return failed("redirect", "the server sends requests on to another address");
    if (http.status != 200) return failed(format("http {}", http.status), error_detail(http.body));
    auto reply = read_completion(http.body);
    if (names_cloud_model(reply.model) && is_loopback(url_.host)) {
      reply.text.clear();
      reply.failure = "refused";
      reply.detail = "the server forwarded the request to a cloud";
    }
    return reply;
  }

  bool sleep(double seconds) const {
    const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
    while (std::chrono::steady_clock::now() < end) {
      if (cancelled_ || interrupt_requested()) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(seconds < 0.2 ? 5 : 50));
    }
    return !cancelled_;
  }

  const OpenaiConfig& config_;
  const BaseUrl& url_;
  Endpoint endpoint_;
  std::atomic<bool> cancelled_{false};
};

/// Any server with the chat completions protocol: vLLM, llama-server, Ollama.
class OpenaiBackend : public Backend {
 public:
  explicit OpenaiBackend(const BackendSettings& settings)
      : config_(config_from_json<OpenaiConfig>(settings.block, settings.where, settings.folder)),
        where_(settings.where),
        url_(parse_base_url(config_.base_url, where_)) {
    require_allowed_host(url_, config_.allow_hosts, where_);
    if (is_loopback(url_.host) && names_cloud_model(config_.model))
      refuse_cloud("its name says so");
  }

  Json resolved_config() const override { return config_to_json(config_); }
  bool reproducible() const override { return false; }
  std::vector<std::string> free_keys() const override {
    return {"base_url",        "api_key_env", "allow_hosts",        "timeout_seconds",
            "backoff_seconds", "max_retries", "backoff_max_seconds"};
  }
  Json provenance() const override {
    Json all = {{"type", "openai"}, {"base_url", url_.text()}, {"model", config_.model}};
    for (const auto& [key, value] : server_.items()) all[key] = value;
    return all;
  }

  void open() override {
    if (!config_.api_key_env.empty()) {
      const char* key = std::getenv(config_.api_key_env.c_str());
      if (!key || !*key)
        throw ConfigError(
            format("{}: api_key_env: found no environment variable '{}', expected "
                   "the server's key in it.",
                   where_, config_.api_key_env));
      api_key_ = key;
    }
    Endpoint endpoint(url_, api_key_, std::min(10.0, config_.timeout_seconds));
    const auto models = endpoint.get(url_.path + "/models");
    if (models.status == 0)
      throw RemoteError(
          format("{}: {}: found no server ({}), expected one. Start it or mend "
                 "base_url.",
                 where_, url_.text(), models.failure));
    refuse_forwarding(endpoint);
    read_version(endpoint);
  }

  std::unique_ptr<BackendWorker> connect() override {
    return std::make_unique<OpenaiWorker>(config_, url_, api_key_);
  }

 private:
  [[noreturn]] void refuse_cloud(const std::string& reason) const {
    throw ConfigError(
        format("{}: model: found '{}', which is run in a cloud ({}), expected a model "
               "on this machine. Choose a local model.",
               where_, config_.model, reason));
  }

  /// Ollama lists models of its cloud among the local ones, with the host they are sent to.
  void refuse_forwarding(Endpoint& endpoint) const {
    const auto tags = get_json(endpoint, "/api/tags");
    if (!tags.contains("models") || !tags["models"].is_array()) return;
    for (const auto& model : tags["models"]) {
      if (!model.is_object()) continue;
      const auto name = text_or_empty(model, "name");
      if (name != config_.model && name != config_.model + ":latest") continue;
      const auto remote = text_or_empty(model, "remote_host");
      if (!remote.empty() || !text_or_empty(model, "remote_model").empty())
        refuse_cloud(format("the server forwards it to '{}'", remote));
    }
  }

  void read_version(Endpoint& endpoint) {
    for (const char* path : {"/version", "/api/version", "/props"}) {
      const auto answer = get_json(endpoint, path);
      for (const char* key : {"version", "build_info"})
        if (const auto version = text_or_empty(answer, key); !version.empty()) {
          server_["server_version"] = version;
          return;
        }
    }
    server_["server_version"] = nullptr;
  }

  static Json get_json(Endpoint& endpoint, const std::string& path) {
    const auto http = endpoint.get(path);
    if (http.status != 200) return Json::object();
    try {
      auto json = parse_json(http.body, path);
      return json.is_object() ? json : Json::object();
    } catch (const FormatError&) {
      return Json::object();
    }
  }

  OpenaiConfig config_;
  std::string where_;
  BaseUrl url_;
  std::string api_key_;
  Json server_ = Json::object();
};

}  // namespace

std::vector<Setting> openai_backend_settings() { return settings_of<OpenaiConfig>(); }

std::unique_ptr<Backend> make_openai_backend(const BackendSettings& settings) {
  return std::make_unique<OpenaiBackend>(settings);
}

}  // namespace sqpsych
