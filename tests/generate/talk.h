#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "generate/strategies/strategy.h"
#include "tests/generate/support.h"

namespace sqpsych::testing {

/// A connection that answers what a test says and keeps every request.
class FakeWorker : public BackendWorker {
 public:
  using Answer = std::function<BackendReply(const BackendRequest& request)>;
  explicit FakeWorker(Answer answer) : answer_(std::move(answer)) {}
  BackendReply reply(const BackendRequest& request) override {
    requests.push_back(request);
    auto reply = answer_(request);
    reply.model = "fake";
    return reply;
  }
  std::vector<BackendRequest> requests;

 private:
  Answer answer_;
};

inline BackendReply says(const std::string& text) {
  BackendReply reply;
  reply.text = text;
  reply.stop_reason = "end_token";
  return reply;
}

inline BackendReply fails(const std::string& failure, const std::string& detail = "") {
  BackendReply reply;
  reply.failure = failure;
  reply.detail = detail;
  return reply;
}

/// A line that no other turn has.
inline BackendReply says_something_new(const BackendRequest& request) {
  return says(format("{} in turn {}.", request.scene.speaker, request.scene.turn));
}

/// A counselor and a client with short prompts, each on its own fake connection.
struct Talk {
  TemporaryFolder folder;
  std::map<std::string, AgentConfig> configs;
  FakeWorker counselor{says_something_new};
  FakeWorker client{says_something_new};
  Profile profile = example_profile(1, 3);
  RiskProtocol protocol{"Ask openly.", "Call 988.", ""};
  Json graph =
      parse_json(R"({"order": ["counselor", "client"], "min_turns": {"default": 1}})", "graph");

  Talk() {
    for (const char* name : {"counselor", "client"}) {
      auto& config = configs[name];
      config.speaker = name;
      config.labels = {std::string(name) == "client" ? "Client" : "Therapist"};
      config.prompts["default"].path = folder / format("{}.md", name);
      write_text(
          config.prompts["default"].path,
          format("[[system]]\nYou are the {}, turn {{{{turn}}}} of {{{{max_turns}}}}, no end "
                 "before {{{{min_turns}}}}. {{{{risk_protocol}}}}\n"
                 "[[opening]]\n(silence)\n[[nudge]]\n(end in {{{{turns_left}}}} turns)\n"
                 "[[closing]]\n(say goodbye)\n"
                 "[[retry]]\n(not \"{{{{rejected}}}}\", it {{{{reason}}}})\n",
                 name));
    }
  }

  FakeWorker& worker(const std::string& speaker) {
    return speaker == "client" ? client : counselor;
  }
  void let(const std::string& speaker, FakeWorker::Answer answer) {
    worker(speaker) = FakeWorker(std::move(answer));
  }

  SessionOutcome run(bool at_risk = false) {
    ProblemList problems;
    std::map<std::string, Agent> agents;
    for (const auto& [name, config] : configs)
      agents.emplace(name, Agent(name, config, {"en"}, problems));
    agents.at("counselor").set_other_labels({"Client"});
    agents.at("client").set_other_labels({"Therapist"});
    const auto strategy = make_strategy("turn_loop", graph, "test");
    strategy->check({"counselor", "client"}, {profile.group}, problems);
    EXPECT_TRUE(problems.empty()) << problems.text("test");
    Cast cast;
    for (const auto& [name, agent] : agents) cast[name] = {&agent, &worker(name)};
    SessionTask task;
    task.profile = &profile;
    task.language = "en";
    task.run_seed = 666;
    if (at_risk) task.risk_protocol = &protocol;
    return strategy->run(task, cast);
  }

  /// What the agent heard last before it spoke for the n-th time.
  std::string heard(const std::string& speaker, std::size_t n) {
    return worker(speaker).requests.at(n).messages.back().content;
  }
};

/// The first step of this kind, or null.
inline Json step_of(const SessionMessage& message, const std::string& kind) {
  for (const auto& step : message.steps)
    if (step["step"] == kind) return step;
  return nullptr;
}

}  // namespace sqpsych::testing
