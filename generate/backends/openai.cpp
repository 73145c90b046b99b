#include <algorithm>
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
#include "generate/backends/chat_completion.h"
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

class OpenaiWorker : public BackendWorker {
 public:
  OpenaiWorker(const OpenaiConfig& config, const BaseUrl& url, const std::string& api_key)
      : config_(config), url_(url), endpoint_(url, api_key, config.timeout_seconds) {}

  BackendReply reply(const BackendRequest& request) override {
    const auto body = chat_request(config_.model, request, config_.extra_body).dump();
    const Backoff backoff{config_.backoff_seconds, config_.backoff_max_seconds};
    Json attempts = Json::array();
    for (std::int64_t attempt = 0;; ++attempt) {
      const auto http = endpoint_.post(url_.path + "/chat/completions", body);
      auto reply = read_chat_reply(http, url_.origin());
      refuse_cloud_reply(reply);
      reply.seconds = http.seconds;
      if (cancelled_) return interrupted();
      if (reply.ok() || !may_pass(http, reply) || attempt >= config_.max_retries) {
        reply.attempts = std::move(attempts);
        return reply;
      }
      const auto wait = backoff.wait_seconds(attempt, request.seed, http.retry_after);
      attempts.push_back({{"reason", reply.failure}, {"wait_seconds", wait}});
      if (!sleep(wait)) return interrupted();
    }
  }

  void cancel() override {
    cancelled_ = true;
    endpoint_.stop();
  }

 private:
  void refuse_cloud_reply(BackendReply& reply) const {
    if (!names_cloud_model(reply.model) || !is_loopback(url_.host)) return;
    reply.text.clear();
    reply.failure = "refused";
    reply.detail = "the server forwarded the request to a cloud";
  }

  static BackendReply interrupted() {
    BackendReply reply;
    reply.failure = "interrupted";
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
    if (models.status == 401 || models.status == 403)
      throw ConfigError(
          format("{}: api_key_env: found a server that answers {} to this key, expected "
                 "one that takes it. Name the variable that holds the server's key.",
                 where_, models.status));
    warn_of_unlisted_model(models.body);
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

  /// Only a warning: some servers list less than they serve.
  void warn_of_unlisted_model(const std::string& body) const {
    std::vector<std::string> names;
    try {
      const auto json = parse_json(body, "models");
      for (const auto& model : json.at("data")) names.push_back(text_or_empty(model, "id"));
    } catch (const FormatError&) {
      return;
    } catch (const Json::exception&) {
      return;
    }
    if (names.empty() || std::find(names.begin(), names.end(), config_.model) != names.end())
      return;
    names.resize(std::min<std::size_t>(names.size(), 10));
    log_warning(format("{}: model: '{}' is not among those that the server lists: {}.", where_,
                       config_.model, quoted_list(names)));
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
