#pragma once

#include <httplib.h>

#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "core/json_lines.h"
#include "core/text.h"

namespace sqpsych::testing {

inline std::string completion(const std::string& text, const std::string& model = "tiny") {
  const Json message = {{"role", "assistant"}, {"content", text}};
  const Json reply = {{"model", model},
                      {"choices", {{{"message", message}, {"finish_reason", "stop"}}}},
                      {"usage", {{"prompt_tokens", 11}, {"completion_tokens", 3}}}};
  return reply.dump();
}

struct CannedReply {
  int status = 200;
  std::string body;
  std::string header;
  std::string value;
  int delay_ms = 0;
};

/// A chat completions server that answers what a test wrote down.
class FakeServer {
 public:
  FakeServer() {
    server_.Post("/v1/chat/completions", [this](const auto& request, auto& response) {
      const auto next = take(request.body, request.get_header_value("Authorization"));
      if (next.delay_ms) std::this_thread::sleep_for(std::chrono::milliseconds(next.delay_ms));
      response.status = next.status;
      if (!next.header.empty()) response.set_header(next.header.c_str(), next.value);
      response.set_content(next.body, "application/json");
    });
    server_.Get("/api/tags", [this](const auto&, auto& response) {
      response.set_content(tags, "application/json");
    });
    server_.Get("/v1/models", [this](const auto&, auto& response) {
      response.status = models_status;
      response.set_content(models, "application/json");
    });
    server_.Get("/version", [](const auto&, auto& response) {
      response.set_content(R"({"version": "0.9"})", "application/json");
    });
    port_ = server_.bind_to_any_port("127.0.0.1");
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    while (!server_.is_running()) std::this_thread::yield();
  }
  ~FakeServer() {
    server_.stop();
    thread_.join();
  }
  std::string url() const { return format("http://127.0.0.1:{}/v1", port_); }
  void script(std::initializer_list<CannedReply> replies) { replies_ = replies; }
  std::vector<Json> requests() {
    const std::lock_guard guard(mutex_);
    return requests_;
  }
  /// Of the last request.
  std::string authorization() {
    const std::lock_guard guard(mutex_);
    return authorization_;
  }
  /// Answers everything that is not scripted; set before the first request.
  std::function<CannedReply(const Json& request)> answer;
  std::string tags = "{}";
  std::string models = R"({"data": [{"id": "tiny"}]})";
  int models_status = 200;

 private:
  CannedReply take(const std::string& body, const std::string& authorization) {
    const std::lock_guard guard(mutex_);
    authorization_ = authorization;
    requests_.push_back(parse_json(body, "request"));
    if (replies_.empty() && answer) return answer(requests_.back());
    if (replies_.empty()) return {500, "{}", "", "", 0};
    auto next = replies_.front();
    replies_.pop_front();
    return next;
  }
  httplib::Server server_;
  std::mutex mutex_;
  std::deque<CannedReply> replies_;
  std::vector<Json> requests_;
  std::string authorization_;
  int port_ = 0;
  std::thread thread_;
};

}  // namespace sqpsych::testing
