#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "core/interrupt.h"
#include "core/random.h"
#include "tests/generate/talk.h"
#include "tests/support/error_text.h"

namespace sqpsych {
namespace {

using testing::fails;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::says;
using testing::says_something_new;
using testing::step_of;
using testing::Talk;

/// Something new, with the end token from `turn` on.
testing::FakeWorker::Answer ends_from(std::int64_t turn, const std::string& token = "[/END]") {
  return [turn, token](const BackendRequest& request) {
    auto reply = says_something_new(request);
    if (request.scene.turn >= turn) reply.text += " " + token;
    return reply;
  };
}

std::int64_t turns_of(const SessionOutcome& outcome) {
  return static_cast<std::int64_t>((outcome.messages.size() + 1) / 2);
}

TEST(TurnLoop, AlternatesFromTheFirstOfTheOrderToTheHardStop) {
  Talk talk;
  const auto outcome = talk.run();
  EXPECT_EQ(outcome.stop_reason, "max_turns");
  EXPECT_FALSE(outcome.failure);
  ASSERT_EQ(outcome.messages.size(), 66U) << "33 turns of two when nothing else is said";
  for (std::size_t i = 0; i < outcome.messages.size(); ++i)
    EXPECT_EQ(outcome.messages[i].speaker, i % 2 == 0 ? "counselor" : "client");
  EXPECT_EQ(outcome.messages.back().text, "client in turn 33.");
}

struct EndCase {
  const char* group;
  const char* speaker;
  std::int64_t first_end;  ///< first turn in which this speaker's token counts
};

TEST(TurnLoop, CountsAnEndTokenFromTheGroupsAndTheAgentsFirstTurnOn) {
  const EndCase cases[] = {{"elevated", "counselor", 15},
                           {"elevated", "client", 12},
                           {"control", "counselor", 15},
                           {"control", "client", 7},
                           {"other", "client", 12}};
  for (const auto& [group, speaker, first_end] : cases) {
    Talk talk;
    talk.profile.group = group;
    talk.graph["min_turns"] = {{"elevated", 12}, {"control", 7}, {"default", 12}};
    talk.graph["agent_min_turns"] = {{"counselor", 15}};
    talk.let(speaker, ends_from(1));
    const auto outcome = talk.run();
    EXPECT_EQ(outcome.stop_reason, "end_token") << group << " " << speaker;
    EXPECT_EQ(turns_of(outcome), first_end) << group << " " << speaker;
    EXPECT_EQ(outcome.messages.size() % 2, 0U) << "the other one answers too";
    for (const auto& message : outcome.messages) EXPECT_THAT(message.text, Not(HasSubstr("END")));
    const auto& first = outcome.messages[speaker == std::string("client") ? 1 : 0];
    EXPECT_FALSE(step_of(first, "early_end_ignored").is_null());
    EXPECT_EQ(step_of(first, "cut")["what"], Json::array({"end_token"}));
  }
}

TEST(TurnLoop, TellsAgentsTheTurnFromWhichTheEndWillCount) {
  Talk talk;
  talk.profile.group = "control";
  talk.graph["min_turns"] = {{"control", 7}, {"default", 12}};
  talk.graph["agent_min_turns"] = {{"counselor", 15}};
  talk.graph["max_turns"] = 20;
  talk.run();
  EXPECT_THAT(talk.counselor.requests[3].messages[0].content,
              HasSubstr("turn 4 of 20, no end before 15"));
}

TEST(TurnLoop, HearsOnlyThoseWhoMayEnd) {
  Talk talk;
  talk.graph["end_by"] = Json::array({"counselor"});
  talk.graph["max_turns"] = 5;
  talk.let("client", ends_from(1));
  EXPECT_EQ(talk.run().stop_reason, "max_turns");
  talk.let("counselor", ends_from(2));
  EXPECT_EQ(turns_of(talk.run()), 2);
}

TEST(TurnLoop, KeepsTheEndTokenInTheTextOnlyWhenAsked) {
  Talk talk;
  talk.graph["keep_end_token"] = true;
  talk.graph["min_turns"] = {{"default", 2}};
  talk.let("counselor", ends_from(1));
  const auto outcome = talk.run();
  EXPECT_EQ(outcome.messages[0].text, "counselor in turn 1.");
  EXPECT_EQ(outcome.messages[2].text, "counselor in turn 2. [/END]");
}

TEST(TurnLoop, UnrelatedBracketsEndNothing) {
  Talk talk;
  talk.graph["max_turns"] = 2;
  talk.let("counselor", ends_from(1, "[]"));
  const auto outcome = talk.run();
  EXPECT_EQ(outcome.stop_reason, "max_turns");
  EXPECT_EQ(outcome.messages[0].text, "counselor in turn 1. []");
}

TEST(TurnLoop, NudgesWithTheTurnsThatAreReallyLeft) {
  Talk talk;
  talk.run();
  for (std::size_t turn = 1; turn <= 33; ++turn) {
    const auto heard = talk.heard("counselor", turn - 1);
    if (turn <= 22)
      EXPECT_THAT(heard, Not(HasSubstr("(end in"))) << turn;
    else
      EXPECT_THAT(heard, HasSubstr(format("(end in {} turns)", 33 - turn))) << turn;
  }
}

TEST(TurnLoop, LetsTheOtherOneSayGoodbye) {
  Talk talk;
  talk.let("counselor", ends_from(2));
  const auto outcome = talk.run();
  ASSERT_EQ(outcome.messages.size(), 4U);
  EXPECT_EQ(talk.heard("client", 1), "counselor in turn 2.\n\n(say goodbye)");
  EXPECT_EQ(step_of(outcome.messages[3], "hints")["sections"], Json::array({"closing"}));
}

TEST(TurnLoop, EndsWithoutAFarewellWhenTheOtherOneHasNone) {
  for (const auto& failure : {fails("empty"), fails("timeout"), says("[/END]")}) {
    Talk talk;
    talk.graph["max_retries"] = 1;
    talk.let("counselor", ends_from(2));
    talk.let("client", [&](const BackendRequest& request) {
      return request.scene.turn == 2 ? failure : says_something_new(request);
    });
    const auto outcome = talk.run();
    EXPECT_EQ(outcome.stop_reason, "end_token") << failure.failure;
    EXPECT_FALSE(outcome.failure);
    EXPECT_EQ(outcome.messages.size(), 3U);
  }
}

TEST(TurnLoop, TriesRepeatsAgainWithAHintAndANewSeed) {
  Talk talk;
  talk.graph["max_turns"] = 2;
  std::int64_t tries = 0;
  talk.let("counselor", [&](const BackendRequest& request) {
    if (request.scene.turn == 2 && ++tries <= 3) return says("COUNSELOR, in turn 1!");
    return says_something_new(request);
  });
  const auto outcome = talk.run();
  EXPECT_EQ(outcome.stop_reason, "max_turns");
  EXPECT_EQ(tries, 4);
  std::set<std::uint64_t> seeds;
  for (const auto& request : talk.counselor.requests) seeds.insert(request.seed);
  EXPECT_EQ(seeds.size(), 5U);
  EXPECT_THAT(talk.heard("counselor", 2), HasSubstr("(not \"COUNSELOR, in turn 1!\", it repeats)"));
  EXPECT_THAT(talk.heard("counselor", 1), Not(HasSubstr("(not")));
  const auto& steps = outcome.messages[2].steps;
  ASSERT_EQ(steps.size(), 3U);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(steps[i]["step"], "rejected");
    EXPECT_EQ(steps[i]["try"], i);
    EXPECT_EQ(steps[i]["reason"], "repeats");
    EXPECT_EQ(steps[i]["text"], "COUNSELOR, in turn 1!");
  }
  EXPECT_EQ(outcome.messages[2].seed, talk.counselor.requests.back().seed);
}

TEST(TurnLoop, TakesAnEchoForARepeat) {
  Talk talk;
  talk.graph["max_turns"] = 1;
  talk.graph["max_retries"] = 0;
  talk.let("client", [](const BackendRequest&) { return says("Counselor in turn 1"); });
  EXPECT_EQ(talk.run().failure->reason, "repeats");
}

TEST(TurnLoop, FailsAsAValueAfterTheLastRetry) {
  Talk talk;
  talk.let("counselor", [](const BackendRequest&) { return says("Always the same."); });
  const auto outcome = talk.run();
  EXPECT_EQ(outcome.stop_reason, "failed");
  EXPECT_EQ(outcome.failure->where, "turn 2, counselor");
  EXPECT_EQ(outcome.failure->reason, "repeats");
  EXPECT_EQ(talk.counselor.requests.size(), 1U + 11U) << "one try and ten retries";
  EXPECT_EQ(outcome.messages.size(), 2U) << "what was said stays";
}

TEST(TurnLoop, FillsInWhatAnAgentCannotSay) {
  const std::pair<testing::FakeWorker::Answer, const char*> cases[] = {
      {[](const BackendRequest&) { return says("Always the same."); }, "repeats"},
      {[](const BackendRequest&) { return fails("empty"); }, "empty"},
      {[](const BackendRequest&) { return says("<think>never done"); }, "reasoning_unfinished"}};
  for (const auto& [answer, reason] : cases) {
    Talk talk;
    talk.graph["max_turns"] = 3;
    talk.graph["max_retries"] = 1;
    talk.configs["client"].fillers["en"] = {"Hm.", "I don't know.", "Well ..."};
    talk.let("client", answer);
    const auto outcome = talk.run();
    EXPECT_EQ(outcome.stop_reason, "max_turns") << reason;
    std::set<std::string> fillers;
    for (const auto& message : outcome.messages)
      if (const auto step = step_of(message, "filler"); !step.is_null()) {
        EXPECT_EQ(step["reason"], reason);
        EXPECT_TRUE(fillers.insert(message.text).second) << "each once in a session";
      }
    EXPECT_EQ(fillers.size(), reason == std::string("repeats") ? 2U : 3U);
  }
}

TEST(TurnLoop, RunsOutOfFillers) {
  Talk talk;
  talk.graph["max_retries"] = 0;
  talk.configs["client"].fillers["en"] = {"Hm."};
  talk.let("client", [](const BackendRequest&) { return fails("empty"); });
  const auto outcome = talk.run();
  EXPECT_EQ(outcome.failure->where, "turn 2, client");
  EXPECT_EQ(outcome.failure->reason, "empty");
}

TEST(TurnLoop, NamesTheReasonOfEveryFailureAndDoesNotRepeatIt) {
  const std::pair<const char*, const char*> cases[] = {
      {"refused", "refused"}, {"context_full", "failed"},    {"timeout", "failed"},
      {"http 400", "failed"}, {"malformed", "failed"},       {"connection", "failed"},
      {"redirect", "failed"}, {"interrupted", "interrupted"}};
  for (const auto& [failure, stop_reason] : cases) {
    Talk talk;
    talk.configs["client"].fillers["en"] = {"Hm."};
    talk.let("client", [&](const BackendRequest&) { return fails(failure, "the detail"); });
    const auto outcome = talk.run();
    EXPECT_EQ(outcome.stop_reason, stop_reason);
    EXPECT_EQ(outcome.failure->where, "turn 1, client");
    EXPECT_EQ(outcome.failure->reason, format("{}: the detail", failure));
    EXPECT_EQ(talk.client.requests.size(), 1U) << failure << ": no filler, no retry";
    EXPECT_EQ(outcome.messages.size(), 1U);
  }
}

TEST(TurnLoop, FollowsThePolicyForCutOffReplies) {
  for (const char* stop : {"max_tokens", "context_full"}) {
    for (const char* policy : {"trim", "keep", "fail"}) {
      Talk talk;
      talk.graph["max_turns"] = 1;
      talk.graph["max_retries"] = 2;
      talk.graph["on_truncated"] = policy;
      talk.let("counselor", [&](const BackendRequest&) {
        auto reply = says("A whole sentence. And half of");
        reply.stop_reason = stop;
        return reply;
      });
      const auto outcome = talk.run();
      if (policy == std::string("fail")) {
        EXPECT_EQ(outcome.failure->reason, "truncated");
        EXPECT_EQ(talk.counselor.requests.size(), 3U);
      } else {
        EXPECT_EQ(outcome.messages[0].text, policy == std::string("trim")
                                                ? "A whole sentence."
                                                : "A whole sentence. And half of");
      }
    }
  }
}

TEST(TurnLoop, KeepsWholeRepliesAndWhatWasCutFromThem) {
  Talk talk;
  talk.graph["max_turns"] = 1;
  talk.let("counselor", [](const BackendRequest&) {
    return says("<think>She is tired.</think>**Therapist:** One.\n\nTwo [pauses].\nClient: Yes.");
  });
  const auto message = talk.run().messages[0];
  EXPECT_EQ(message.text, "One.\n\nTwo [pauses].");
  EXPECT_EQ(step_of(message, "reasoning")["text"], "She is tired.");
  EXPECT_EQ(step_of(message, "cut")["what"], Json::array({"reasoning", "other_speaker", "label"}));
  EXPECT_THAT(step_of(message, "cut")["text"].get<std::string>(), HasSubstr("Client: Yes."));
}

TEST(TurnLoop, GivesTheProtocolToAgentsOfAClientAtRiskOnly) {
  Talk talk;
  talk.graph["max_turns"] = 1;
  talk.run(false);
  EXPECT_THAT(talk.counselor.requests[0].messages[0].content, Not(HasSubstr("988")));
  EXPECT_EQ(talk.counselor.requests[0].scene.crisis, "");
  talk.run(true);
  EXPECT_THAT(talk.counselor.requests[1].messages[0].content, HasSubstr("Ask openly.\nCall 988."));
  EXPECT_EQ(talk.counselor.requests[1].scene.crisis, "Call 988.");
}

TEST(TurnLoop, DerivesSeedsFromRunClientReplicateTurnAgentAndTry) {
  Talk talk;
  talk.graph["max_turns"] = 2;
  talk.run();
  EXPECT_EQ(talk.client.requests[1].seed,
            derive_seed({666, "client001/baseline", 0, 2, "client", 0}));
  EXPECT_NE(talk.client.requests[1].seed, talk.counselor.requests[1].seed);
  EXPECT_NE(talk.client.requests[0].seed, talk.client.requests[1].seed);
}

TEST(TurnLoop, StopsBetweenTriesWhenASignalComes) {
  Talk talk;
  talk.let("client", [](const BackendRequest&) {
    set_interrupt_requested(true);
    return fails("empty");
  });
  const auto outcome = talk.run();
  set_interrupt_requested(false);
  EXPECT_EQ(outcome.stop_reason, "interrupted");
  EXPECT_EQ(talk.client.requests.size(), 1U);
}

TEST(TurnLoop, ReportsSettingsThatCannotWork) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"order": ["counselor"]})", "order: found 1 agents, expected at least two"},
      {R"({"order": ["a", "b"], "end_token": " "})", "end_token"},
      {R"({"order": ["a", "b"], "min_turns": {"default": 34}})", "min_turns.default: found 34"},
      {R"({"order": ["a", "b"], "agent_min_turns": {"a": 0}})", "agent_min_turns.a: found 0"},
      {R"({"order": ["a", "b"], "max_trns": 3})", "Did you mean 'max_turns'?"}};
  for (const auto& [graph, expected] : cases) {
    const auto error = testing::error_text<ConfigError>(
        [&] { make_strategy("turn_loop", parse_json(graph, "graph"), "x.json"); });
    EXPECT_THAT(error, HasSubstr(expected)) << graph;
  }
  EXPECT_THROW(make_strategy("turn_lop", Json::object(), "x.json"), ConfigError);
}

}  // namespace
}  // namespace sqpsych
