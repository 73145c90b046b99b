#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <set>
#include <thread>

#include "generate/backends/backend.h"
#include "generate/backends/endpoint.h"
#include "tests/generate/fake_server.h"
#include "tests/generate/support.h"
#include "tests/support/error_text.h"

namespace sqpsych {
namespace {

using testing::CannedReply;
using testing::completion;
using testing::FakeServer;
using ::testing::HasSubstr;

std::unique_ptr<Backend> backend_for(const std::string& url, const Json& more = Json::object()) {
  Json block = {{"type", "openai"},     {"base_url", url},         {"model", "tiny"},
                {"max_retries", 2},     {"backoff_seconds", 0.01}, {"backoff_max_seconds", 0.02},
                {"timeout_seconds", 60}};
  block.update(more);
  return make_backend({block, "backends.server", {}, 1, true});
}

BackendReply ask(FakeServer& server, const Json& more = Json::object()) {
  auto backend = backend_for(server.url(), more);
  backend->open();
  BackendRequest request;
  request.messages = {{"system", "Be kind.", std::nullopt}, {"user", "Hello.", std::nullopt}};
  request.sampling.temperature = 0.6;
  request.sampling.top_k = 40;
  request.seed = 99;
  return backend->connect()->reply(request);
}

TEST(Openai, PassesSeedAndSamplingAndReadsTheReply) {
  FakeServer server;
  server.script({{200, completion("Hi."), "", "", 0}});
  const auto reply = ask(server, {{"extra_body", {{"chat_template_kwargs", {{"a", 1}}}}}});
  EXPECT_EQ(reply.text, "Hi.");
  EXPECT_EQ(reply.prompt_tokens, 11);
  EXPECT_EQ(reply.stop_reason, "end_token");
  const auto body = server.requests().at(0);
  EXPECT_EQ(body["seed"], 99);
  EXPECT_EQ(body["temperature"], 0.6);
  EXPECT_EQ(body["top_k"], 40);
  EXPECT_FALSE(body.contains("min_p"));
  EXPECT_EQ(body["messages"][1]["content"], "Hello.");
  EXPECT_EQ(body["chat_template_kwargs"]["a"], 1);
}

TEST(Openai, TriesAgainAfterFaultsThatPass) {
  const CannedReply faults[] = {{429, "{}", "Retry-After", "0", 0},
                                {500, "oops", "", "", 0},
                                {503, "{}", "", "", 0},
                                {200, "no json", "", "", 0},
                                {200, R"({"choices": []})", "", "", 0},
                                {200, completion("late"), "", "", 3000}};
  for (const auto& fault : faults) {
    FakeServer server;
    server.script({fault, {200, completion("Hi."), "", "", 0}});
    const auto reply =
        ask(server, fault.delay_ms > 0 ? Json{{"timeout_seconds", 1}} : Json::object());
    EXPECT_EQ(reply.text, "Hi.") << fault.status << fault.body;
    EXPECT_EQ(reply.attempts.size(), 1U) << fault.status;
    EXPECT_EQ(server.requests().size(), 2U) << fault.status;
  }
}

TEST(Openai, CancellingEndsAWaitForAReply) {
  FakeServer server;
  server.script({{200, completion("late"), "", "", 3000}});
  auto backend = backend_for(server.url());
  backend->open();
  const auto worker = backend->connect();
  std::thread other([&] {
    while (server.requests().empty()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    worker->cancel();
  });
  BackendRequest request;
  request.messages = {{"user", "Hello.", std::nullopt}};
  EXPECT_EQ(worker->reply(request).failure, "interrupted");
  other.join();
  EXPECT_EQ(server.requests().size(), 1U);
}

TEST(Openai, SendsTheKeyAndRecordsItNowhere) {
  setenv("SQPSYCH_TEST_KEY", "quince-key", 1);
  FakeServer server;
  server.script({{200, completion("Hi."), "", "", 0}});
  auto backend = backend_for(server.url(), {{"api_key_env", "SQPSYCH_TEST_KEY"}});
  backend->open();
  BackendRequest request;
  request.messages = {{"user", "Hello.", std::nullopt}};
  const auto reply = backend->connect()->reply(request);
  unsetenv("SQPSYCH_TEST_KEY");
  EXPECT_EQ(reply.text, "Hi.");
  EXPECT_EQ(server.authorization(), "Bearer quince-key");
  for (const auto& record : {backend->provenance(), backend->resolved_config()})
    EXPECT_EQ(record.dump().find("quince"), std::string::npos) << record;
}

TEST(Openai, GivesUpAfterTheLimitWithTheReason) {
  FakeServer server;
  const auto reply = ask(server);
  EXPECT_EQ(reply.failure, "http 500");
  EXPECT_EQ(server.requests().size(), 3U);
}

TEST(Openai, DoesNotRepeatWhatCannotSucceed) {
  for (const int status : {400, 401, 404, 422}) {
    FakeServer server;
    server.script({{status, R"({"error": {"message": "no such model"}})", "", "", 0}});
    const auto reply = ask(server);
    EXPECT_EQ(reply.failure, format("http {}", status));
    EXPECT_EQ(reply.detail, "no such model");
    EXPECT_EQ(server.requests().size(), 1U);
  }
}

TEST(Openai, ReadsWhatServersSayWentWrong) {
  for (const char* body :
       {R"({"error": {"message": "no such model"}})", R"({"error": "no such model"})",
        R"({"message": "no such model"})", R"({"detail": "no such model"})"}) {
    FakeServer server;
    server.script({{400, body, "", "", 0}});
    EXPECT_EQ(ask(server).detail, "no such model") << body;
  }
}

TEST(Openai, DoesNotFollowRedirects) {
  FakeServer server, other;
  other.script({{200, completion("caught"), "", "", 0}});
  server.script({{307, "", "Location", other.url() + "/chat/completions", 0}});
  EXPECT_EQ(ask(server).failure, "redirect");
  EXPECT_TRUE(other.requests().empty());
}

TEST(Openai, IgnoresProxiesOfTheEnvironment) {
  for (const char* name : {"http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"})
    setenv(name, "http://127.0.0.1:1", 1);
  FakeServer server;
  server.script({{200, completion("Hi."), "", "", 0}});
  EXPECT_EQ(ask(server).text, "Hi.");
  for (const char* name : {"http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"}) unsetenv(name);
}

TEST(Openai, RefusesModelsOfACloud) {
  FakeServer server;
  EXPECT_THROW(backend_for(server.url(), {{"model", "gpt-oss:120b-cloud"}}), ConfigError);
  server.tags = R"({"models": [{"name": "tiny:latest", "remote_host": "https://far.example"}]})";
  EXPECT_THROW(ask(server), ConfigError);
  server.tags = R"({"models": [{"name": "tiny:latest"}]})";
  server.script({{200, completion("Hi.", "big-cloud"), "", "", 0}});
  EXPECT_EQ(ask(server).failure, "refused");
}

TEST(Openai, KeepsReasoningApartAndNamesRefusals) {
  FakeServer server;
  server.script(
      {{200, R"({"choices": [{"message": {"content": "Hi.", "reasoning_content": "think"}}]})", "",
        "", 0},
       {200, R"({"choices": [{"message": {"content": null, "refusal": "no"}}]})", "", "", 0},
       {200, R"({"choices": [{"message": {"content": " "}}]})", "", "", 0}});
  EXPECT_EQ(ask(server).reasoning, "think");
  EXPECT_EQ(ask(server).failure, "refused");
  EXPECT_EQ(ask(server).failure, "empty");
}

TEST(Openai, TalksToListedHostsOnly) {
  for (const char* url :
       {"http://example.org/v1", "http://10.0.0.5:8000", "http://127.0.0.1.nip.io",
        "http://0.0.0.0:8000", "http://2130706433/v1", "https://localhost.evil.example"})
    EXPECT_THROW(backend_for(url), ConfigError) << url;
  for (const char* url : {"ftp://127.0.0.1", "127.0.0.1:8000", "http://127.0.0.1@evil.example/v1",
                          "http://127.0.0.1:port", "http://", "http://127.0.0.1/v1?a=b"})
    EXPECT_THROW(backend_for(url), ConfigError) << url;
  for (const char* url : {"http://127.0.0.1:8000/v1/", "http://localhost:1", "http://[::1]:8000/v1",
                          "http://127.9.9.9"})
    EXPECT_NO_THROW(backend_for(url)) << url;
  EXPECT_NO_THROW(backend_for("https://example.org/v1", {{"allow_hosts", {"Example.org"}}}));
}

TEST(Openai, NamesAnAllowedHostOnce) {
  ::testing::internal::CaptureStderr();
  for (int i = 0; i < 3; ++i)
    backend_for("https://listed.example/v1", {{"allow_hosts", {"listed.example"}}});
  const auto text = ::testing::internal::GetCapturedStderr();
  const std::string line = "profiles are sent to https://listed.example:443";
  EXPECT_THAT(text, HasSubstr(line));
  EXPECT_EQ(text.find(line), text.rfind(line));
}

TEST(Openai, WarnsOfAModelThatTheServerDoesNotList) {
  const auto warning_for = [](const std::string& models) {
    FakeServer server;
    server.models = models;
    ::testing::internal::CaptureStderr();
    backend_for(server.url())->open();
    return ::testing::internal::GetCapturedStderr();
  };
  EXPECT_THAT(warning_for(R"({"data": [{"id": "small"}, {"id": "large"}]})"),
              HasSubstr("'tiny' is not among those that the server lists: 'small', 'large'"));
  for (const char* models : {R"({"data": [{"id": "tiny"}]})", R"({"data": []})", "{}", "none"})
    EXPECT_EQ(warning_for(models), "") << models;
}

TEST(Openai, SaysAtOnceThatAKeyIsRefused) {
  FakeServer server;
  server.models_status = 401;
  EXPECT_THROW(backend_for(server.url())->open(), ConfigError);
}

TEST(Openai, SaysWhenThereIsNoServerOrNoKey) {
  EXPECT_THROW(backend_for("http://127.0.0.1:1/v1")->open(), RemoteError);
  EXPECT_THROW(
      backend_for("http://127.0.0.1:1/v1", {{"api_key_env", "SQPSYCH_NO_SUCH_KEY"}})->open(),
      ConfigError);
}

TEST(Openai, IsMarkedAsNotReproducible) {
  FakeServer server;
  auto backend = backend_for(server.url());
  backend->open();
  EXPECT_FALSE(backend->reproducible());
  EXPECT_EQ(backend->provenance()["server_version"], "0.9");
}

TEST(Backoff, DoublesSpreadsAndHonoursTheServer) {
  const Backoff backoff{1, 8, 100};
  std::set<double> waits;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    waits.insert(backoff.wait_seconds(0, seed, ""));
    EXPECT_GE(backoff.wait_seconds(0, seed, ""), 0.5);
    EXPECT_LE(backoff.wait_seconds(0, seed, ""), 1.5);
    EXPECT_LE(backoff.wait_seconds(20, seed, ""), 12);
    EXPECT_GE(backoff.wait_seconds(2, seed, ""), 2);
  }
  EXPECT_GT(waits.size(), 40U);
  EXPECT_EQ(backoff.wait_seconds(0, 1, "30"), 30);
  EXPECT_EQ(backoff.wait_seconds(0, 1, "9999"), 100);
  EXPECT_EQ(backoff.wait_seconds(3, 5, ""), backoff.wait_seconds(3, 5, ""));
  EXPECT_EQ(retry_after_seconds("Wed, 21 Oct 2015 07:28:00 GMT"), 0);
  EXPECT_LT(retry_after_seconds("soon"), 0);
}

TEST(Backend, ListsKnownNames) {
  const auto error = testing::error_text<ConfigError>([] {
    make_backend({{{"type", "opanai"}}, "backends.x", {}, 1, true});
  });
  EXPECT_THAT(error, HasSubstr("'scripted', 'openai', 'embedded'"));
  EXPECT_THAT(error, HasSubstr("Did you mean 'openai'?"));
}

}  // namespace
}  // namespace sqpsych
