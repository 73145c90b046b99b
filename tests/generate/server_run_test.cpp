#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/hash.h"
#include "core/json_lines.h"
#include "core/random.h"
#include "data/sessions/session.h"
#include "tests/generate/fake_server.h"
#include "tests/generate/support.h"
#include "tests/support/error_text.h"

namespace sqpsych {
namespace {

using testing::completion;
using testing::FakeServer;
using ::testing::HasSubstr;
using ::testing::Not;

std::string system_prompt(const Json& request) { return request["messages"][0]["content"]; }

bool is_counselor(const Json& request) {
  return system_prompt(request).find("You are a licensed therapist") != std::string::npos;
}

/// The shipped protocol for servers, with three turns, against a server in this process.
struct ServerRun {
  FakeServer server;
  testing::TemporaryFolder folder;
  RunOptions options;
  int lines = 0;

  explicit ServerRun(int profiles) {
    testing::write_text(folder / "profiles.jsonl", testing::profile_lines(profiles));
    options.profiles = folder / "profiles.jsonl";
    options.output = folder / "run";
    server.answer = [this](const Json&) -> testing::CannedReply {
      return {200, completion(format("Line {} of the talk.", ++lines)), "", "", 0};
    };
  }
  RunSummary run(std::vector<std::string> sets = {}) {
    for (const char* set :
         {"backends.server.model=tiny", "backends.server.max_retries=1",
          "backends.server.backoff_seconds=0", "backends.server.timeout_seconds=10",
          "graph.min_turns={\"default\":1}", "graph.agent_min_turns={}", "graph.max_turns=3",
          "graph.max_retries=1", "workers=1"})
      sets.insert(sets.begin(), set);
    sets.push_back("backends.server.base_url=" + server.url());
    const auto loaded = testing::load_protocol("sqpsych_openai.json", sets);
    return run_generation(loaded.config, loaded.origin, options);
  }
  std::vector<Session> sessions() const {
    std::vector<Session> all;
    for (const auto& record : read_json_lines(options.output / "sessions.jsonl"))
      all.push_back(session_from_json(record, "line"));
    return all;
  }
  /// The n-th request of the run is answered with a fault.
  void fail_request(std::size_t n, const testing::CannedReply& fault) {
    server.answer = [this, n, fault, count = std::size_t{0}](const Json&) mutable {
      if (++count == n) return fault;
      return testing::CannedReply{200, completion(format("Line {} of the talk.", ++lines)), "", "",
                                  0};
    };
  }
};

TEST(ServerRun, AStartOverThatCannotBeginKeepsTheSessionsThatAreThere) {
  ServerRun run(2);
  run.run();
  const auto file = run.options.output / "sessions.jsonl";
  const auto before = read_file(file);
  run.options.existing = Existing::kOverwrite;
  const auto nobody = testing::load_protocol(
      "sqpsych_openai.json",
      {"backends.server.model=tiny", "backends.server.base_url=http://127.0.0.1:9",
       "backends.server.max_retries=0", "backends.server.timeout_seconds=2"});
  EXPECT_THAT(
      testing::error_text([&] { run_generation(nobody.config, nobody.origin, run.options); }),
      HasSubstr("127.0.0.1:9"));
  EXPECT_EQ(read_file(file), before);
}

TEST(ServerRun, KeepsWhereEveryWordCameFrom) {
  ServerRun run(2);
  run.fail_request(3, {429, "{}", "Retry-After", "0", 0});
  EXPECT_EQ(run.run({"sessions_per_profile=2"}).exit_code(), ExitCode::kDone);
  const auto sessions = run.sessions();
  ASSERT_EQ(sessions.size(), 4U);
  for (std::size_t i = 0; i < sessions.size(); ++i) {
    EXPECT_EQ(sessions[i].client_id, format("client{:03}", i / 2));
    EXPECT_EQ(sessions[i].replicate, static_cast<std::int64_t>(i % 2));
    EXPECT_EQ(sessions[i].unknown["reproducible"], false);
    EXPECT_EQ(sessions[i].unknown["backends"]["server"]["server_version"], "0.9");
    EXPECT_EQ(sessions[i].unknown["backends"]["server"]["model"], "tiny");
  }
  const auto requests = run.server.requests();
  const auto& message = sessions[0].messages[3];
  EXPECT_EQ(message.seed, derive_seed({666, "client000/baseline", 0, 2, "client", 0}));
  EXPECT_EQ(requests[4]["seed"], message.seed & 0x7fffffffU) << "servers read 31 bits";
  EXPECT_EQ(message.model, "tiny");
  EXPECT_EQ(message.prompt_tokens, 11);
  EXPECT_EQ(message.completion_tokens, 3);
  EXPECT_EQ(message.sampling["temperature"], requests[0]["temperature"]);
  const auto steps = sessions[0].messages[2].steps;
  ASSERT_EQ(steps.size(), 1U);
  EXPECT_EQ(steps[0]["failed"][0]["reason"], "http 429");
  EXPECT_EQ(read_json(run.options.output / "manifest.json")["reproducible"], false);
}

TEST(ServerRun, NamesEveryPromptByTheHashOfItsCopy) {
  ServerRun run(4);
  run.run();
  const auto copy_of = [&](const Session& session, const SessionMessage& message) {
    const auto group =
        message.agent == "counselor" ? "default" : session.unknown["group"].get<std::string>();
    return run.options.output / "prompts" / format("{}.{}.en.md", message.agent, group);
  };
  const auto sessions = run.sessions();
  ASSERT_FALSE(sessions.empty());
  for (const auto& session : sessions)
    for (const auto& message : session.messages)
      EXPECT_EQ(message.prompt_sha256, sha256_hex_of_file(copy_of(session, message)));
  EXPECT_EQ(read_file(run.options.output / "prompts/counselor.default.en.md"),
            read_file(testing::configs() / "prompts/en/counselor.md"));
}

TEST(ServerRun, SendsEachAgentOnlyWhatItMayRead) {
  ServerRun run(4);
  run.run();
  std::size_t counselors = 0;
  for (const auto& request : run.server.requests()) {
    const auto text = request.dump();
    for (const char* hidden : {"client00", "baseline", "elevated", "control"})
      EXPECT_THAT(text, Not(HasSubstr(hidden)));
    if (!is_counselor(request)) {
      EXPECT_THAT(text, HasSubstr("asleep"));
      EXPECT_THAT(text, Not(HasSubstr("licensed")));
      continue;
    }
    ++counselors;
    EXPECT_THAT(system_prompt(request), HasSubstr("occupation: baker"));
    for (const char* answer : {"asleep", "hopeless", "moderate", "minimal"})
      EXPECT_THAT(text, Not(HasSubstr(answer))) << "the counselor reads no answers";
  }
  EXPECT_EQ(counselors, 4U * 3U);
}

TEST(ServerRun, CountsFailuresAgainstTheirLimit) {
  for (const int allowed : {0, 1}) {
    ServerRun run(3);
    run.fail_request(8, {400, R"({"error": {"message": "no such thing"}})", "", "", 0});
    const auto summary = run.run({format("max_failures={}", allowed)});
    EXPECT_EQ(summary.exit_code(), allowed == 0 ? ExitCode::kTooManyFailures : ExitCode::kDone);
    EXPECT_EQ(summary.complete, 2);
    EXPECT_EQ(summary.failed.at("http 400"), 1);
    const auto failed = run.sessions()[1];
    EXPECT_EQ(failed.status, "failed");
    EXPECT_EQ(failed.stop_reason, "failed");
    EXPECT_EQ(failed.failure->where, "turn 1, client");
    EXPECT_EQ(failed.failure->reason, "http 400: no such thing");
    EXPECT_EQ(failed.messages.size(), 1U);
    EXPECT_EQ(run.run({"retry_failed=false"}).failed_count(), 1);
    const auto again = run.run();
    EXPECT_EQ(again.found, 2);
    EXPECT_EQ(again.exit_code(), ExitCode::kDone);
    EXPECT_EQ(run.sessions()[1].status, "complete");
  }
}

TEST(ServerRun, StopsWhenEverythingFailsAndGoesOnLater) {
  ServerRun run(6);
  run.server.answer = [](const Json&) -> testing::CannedReply { return {401, "{}", "", "", 0}; };
  const auto summary = run.run({"max_failures_in_a_row=3", "max_failures=100"});
  EXPECT_EQ(summary.exit_code(), ExitCode::kTooManyFailures);
  EXPECT_EQ(summary.failed_count(), 3);
  EXPECT_FALSE(std::filesystem::exists(run.options.output / "sessions.jsonl"));
  EXPECT_THAT(summary.text(), HasSubstr("http 401: the server wants another key"));
  EXPECT_THAT(summary.text(), HasSubstr("too many failures in a row"));
  EXPECT_THAT(summary.text(), HasSubstr("run/journal.jsonl"));
  ServerRun healthy(6);
  healthy.options = run.options;
  EXPECT_EQ(healthy.run({"max_failures_in_a_row=3"}).complete, 6);
  EXPECT_THAT(healthy.run().text(), HasSubstr("run/sessions.jsonl"));
}

TEST(ServerRun, TellsWhatToDoAboutEveryKindOfFailure) {
  const std::pair<testing::CannedReply, std::pair<const char*, const char*>> cases[] = {
      {{400, R"({"error": {"message": "This model's maximum context length is 512 tokens."}})", "",
        "", 0},
       {"context_full", "Take a model with a longer one"}},
      {{400, R"({"error": {"type": "exceed_context_size_error", "message": "too long"}})", "", "",
        0},
       {"context_full", "shorten the prompt files"}},
      {{404, "{}", "", "", 0}, {"http 404", "base_url and model"}},
      {{500, "{}", "", "", 0}, {"http 500", "see its log"}},
      {{307, "", "Location", "http://127.0.0.1:1/", 0}, {"redirect", "set base_url"}},
      {{200, "[]", "", "", 0}, {"malformed", "chat completions protocol"}},
      {{200, completion(" "), "", "", 0}, {"empty", "chat template"}},
      {{200, completion("Always this."), "", "", 0}, {"repeats", "sampling.temperature"}},
      {{200, R"({"choices": [{"message": {"content": ""}, "finish_reason": "content_filter"}]})",
        "", "", 0},
       {"refused", "would not answer"}}};
  for (const auto& [fault, expected] : cases) {
    ServerRun run(1);
    run.server.answer = [&fault = fault](const Json&) { return fault; };
    const auto summary = run.run({"agents.client.fillers={}"});
    EXPECT_EQ(summary.failed.count(expected.first), 1U) << expected.first;
    EXPECT_THAT(summary.text(), HasSubstr(expected.second));
    const auto session = run.sessions()[0];
    EXPECT_EQ(session.stop_reason, expected.first == std::string("refused") ? "refused" : "failed");
    EXPECT_THAT(session.failure->reason, HasSubstr(expected.first));
  }
}

}  // namespace
}  // namespace sqpsych
