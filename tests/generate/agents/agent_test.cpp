#include "generate/agents/agent.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "generate/agents/visible_fields.h"
#include "tests/generate/support.h"

namespace sqpsych {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

struct PromptFile {
  testing::TemporaryFolder folder;
  AgentConfig config;
  explicit PromptFile(const std::string& text) {
    testing::write_text(folder / "prompt.md", text);
    config.speaker = "client";
    config.prompts["default"].path = folder / "prompt.md";
    config.may_read = {"demographics.age", "items"};
  }
};

TEST(Agent, RefusesPromptsThatAskForMoreThanItMayRead) {
  const PromptFile file("[[system]]\n{{demographics.age}} {{group}} {{scores.phq9}} {{tunr}}\n");
  ProblemList problems;
  const Agent agent("client", file.config, {"en"}, problems);
  const auto text = problems.text("x");
  EXPECT_THAT(text, HasSubstr("'group'"));
  EXPECT_THAT(text, HasSubstr("'scores.phq9'"));
  EXPECT_THAT(text, HasSubstr("Did you mean 'turn'?"));
  EXPECT_THAT(text, Not(HasSubstr("'demographics.age', expected only")));
}

TEST(Agent, NeverSeesWhatIsNotListed) {
  const auto profile = testing::example_profile(1, 3);
  const auto visible = visible_fields(profile, {"demographics.age", "questionnaires"});
  const auto text = visible.dump();
  EXPECT_THAT(text, HasSubstr("phq9"));
  for (const char* hidden : {"elevated", "asleep", "moderate", "baker", "client001"})
    EXPECT_THAT(text, Not(HasSubstr(hidden)));
}

TEST(Agent, ProjectsTheHistoryToItsOwnSide) {
  const PromptFile file(
      "[[system]]\nAge {{demographics.age}}.\n[[opening]]\n(silence)\n"
      "[[nudge]]\n{{turns_left}} left\n");
  ProblemList problems;
  const Agent agent("client", file.config, {"en"}, problems);
  ASSERT_TRUE(problems.empty()) << problems.text("");
  const auto profile = testing::example_profile(1, 3);
  std::vector<SessionMessage> history(2);
  history[0].speaker = "counselor";
  history[0].text = "Hello.";
  history[1].speaker = "client";
  history[1].text = "Hi {{group}}.";
  Situation now;
  now.profile = &profile;
  now.language = "en";
  now.history = &history;
  now.turn = 32;
  now.max_turns = 33;
  const auto request = agent.request(now, 0);
  ASSERT_EQ(request.messages.size(), 3U);
  EXPECT_EQ(request.messages[0].content, "Age 21.");
  EXPECT_EQ(request.messages[1].role, "user");
  EXPECT_EQ(request.messages[2].role, "assistant");
  EXPECT_EQ(request.messages[2].content, "Hi {{group}}.");
  history.pop_back();
  now.hints = {"nudge"};
  EXPECT_EQ(agent.request(now, 0).messages.back().content, "Hello.\n\n1 left");
  EXPECT_NE(agent.request(now, 0).seed, agent.request(now, 1).seed);
  history.clear();
  EXPECT_EQ(agent.request(now, 0).messages.back().content, "(silence)\n\n1 left");
}

TEST(PromptTemplate, NamesFileAndLineOfWhatIsWrong) {
  const auto message = [](const std::string& text) -> std::string {
    try {
      PromptTemplate prompt(text, "p.md");
      return "";
    } catch (const FormatError& error) {
      return error.what();
    }
  };
  EXPECT_THAT(message("hello"), HasSubstr("[[system]]"));
  EXPECT_THAT(message("[[system]]\nx\n[[sytsem]]\n"), HasSubstr("p.md:3"));
  EXPECT_THAT(message("[[system]]\nx\n[[system]]\n"), HasSubstr("a second time"));
  EXPECT_THAT(message("[[system]]\n{{turn"), HasSubstr("without '}}'"));
  EXPECT_EQ(message("[[system]]\n{{{{ braces\n"), "");
}

}  // namespace
}  // namespace sqpsych
