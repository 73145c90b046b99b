#include "generate/agents/agent.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "core/random.h"
#include "generate/agents/visible_fields.h"
#include "tests/generate/support.h"
#include "tests/support/error_text.h"

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

/// Everything of a request that reaches a model or a grammar.
std::string told(const BackendRequest& request) {
  std::string text = request.scene.fields.dump();
  for (const auto& message : request.messages) text += message.content;
  for (const auto& line : request.scene.history) text += line.text;
  return text;
}

/// A profile in which every field says something of its own.
Profile marked_profile() {
  Profile profile = testing::example_profile(1, 3);
  profile.client_id = "the-pseudonym";
  profile.group = "the-group";
  profile.occasion = "the-occasion";
  profile.notes = "the-notes";
  profile.risk_positive = true;
  profile.risk_items = {"the-risk-item"};
  profile.demographics = {{"age", "the-age"}, {"occupation", "the-job"}};
  profile.questionnaires.resize(2, profile.questionnaires[0]);
  for (auto& scale : profile.questionnaires) {
    scale.name = &scale == &profile.questionnaires[0] ? "phq9" : "gad7";
    scale.items.resize(1);
    scale.items[0].sentence = "the-answer-" + scale.name;
    scale.scores[0].value = scale.name == "phq9" ? 1717 : 2323;
    scale.scores[0].band = "the-band-" + scale.name;
  }
  return profile;
}

TEST(Agent, ReadsExactlyTheFieldsOfItsList) {
  const std::map<std::string, std::vector<std::string>> markers = {
      {"group", {"the-group"}},
      {"occasion", {"the-occasion"}},
      {"notes", {"the-notes"}},
      {"demographics", {"the-age", "the-job"}},
      {"demographics.age", {"the-age"}},
      {"items", {"the-answer-phq9", "the-answer-gad7"}},
      {"items.gad7", {"the-answer-gad7"}},
      {"scores", {"1717", "2323"}},
      {"scores.phq9", {"1717"}},
      {"bands", {"the-band-phq9", "the-band-gad7"}},
      {"bands.phq9", {"the-band-phq9"}}};
  std::set<std::string> all{"the-pseudonym", "the-risk-item"};
  for (const auto& [field, texts] : markers) all.insert(texts.begin(), texts.end());
  const auto profile = marked_profile();
  const std::vector<SessionMessage> history;
  for (const auto& [field, texts] : markers) {
    PromptFile file(format("[[system]]\nAsk about {{{{{}}}}}.\n", field));
    file.config.may_read = {field};
    ProblemList problems;
    const Agent agent("client", file.config, {"en"}, problems);
    ASSERT_TRUE(problems.empty()) << problems.text(field);
    Situation now;
    now.profile = &profile;
    now.language = "en";
    now.history = &history;
    const auto request = agent.request(now, 0);
    for (const auto& text : all) {
      const bool listed = std::find(texts.begin(), texts.end(), text) != texts.end();
      EXPECT_EQ(told(request).find(text) != std::string::npos, listed) << field << " " << text;
      EXPECT_EQ(request.messages[0].content.find(text) != std::string::npos, listed) << field;
    }
  }
}

std::vector<SessionMessage> talk_of(const std::vector<std::pair<const char*, const char*>>& lines) {
  std::vector<SessionMessage> history;
  for (const auto& [speaker, text] : lines) {
    SessionMessage message;
    message.speaker = speaker;
    message.text = text;
    history.push_back(message);
  }
  return history;
}

std::string roles_and_texts(const Agent& agent, const Situation& situation) {
  std::string all;
  for (const auto& message : agent.request(situation, 0).messages)
    all += format("{}: {}\n", message.role, message.content);
  return all;
}

TEST(Agent, TellsOneHistoryFromBothSides) {
  const auto history = talk_of(
      {{"counselor", "One."}, {"client", "Two."}, {"client", "Three."}, {"counselor", "Four."}});
  const auto profile = testing::example_profile(1, 3);
  const std::map<std::string, std::string> expected = {
      {"client", "system: Talk.\nuser: One.\nassistant: Two.\n\nThree.\nuser: Four.\n\n(hurry)\n"},
      {"counselor",
       "system: Talk.\nuser: (silence)\nassistant: One.\nuser: Two.\n\nThree.\n"
       "assistant: Four.\n"}};
  for (const auto& [speaker, messages] : expected) {
    PromptFile file("[[system]]\nTalk.\n[[opening]]\n(silence)\n[[nudge]]\n(hurry)\n");
    file.config.speaker = speaker;
    ProblemList problems;
    const Agent agent(speaker, file.config, {"en"}, problems);
    Situation now;
    now.profile = &profile;
    now.language = "en";
    now.history = &history;
    now.hints = {"nudge"};
    EXPECT_EQ(roles_and_texts(agent, now), messages);
  }
}

TEST(Agent, WritesATranscriptWithTheLabelsOfBothSides) {
  const auto history = talk_of({{"counselor", "One."}, {"client", "Two."}});
  const auto profile = testing::example_profile(1, 3);
  PromptFile file("[[system]]\n{{history}}\n{{own_label}}, not {{other_label}}\n");
  file.config.history = "transcript";
  file.config.labels = {"Client", "Patient"};
  ProblemList problems;
  Agent agent("client", file.config, {"en"}, problems);
  agent.set_other_labels({"Therapist"});
  ASSERT_TRUE(problems.empty()) << problems.text("");
  Situation now;
  now.profile = &profile;
  now.language = "en";
  now.history = &history;
  EXPECT_EQ(roles_and_texts(agent, now),
            "user: Therapist: One.\nClient: Two.\nClient, not Therapist\n");
}

TEST(Agent, DrawsASeedOfItsOwnForEveryPartOfItsName) {
  PromptFile file("[[system]]\nTalk.\n");
  ProblemList problems;
  const Agent agent("client", file.config, {"en"}, problems);
  const Agent other("coach", file.config, {"en"}, problems);
  auto profile = testing::example_profile(1, 3);
  const std::vector<SessionMessage> history;
  Situation now;
  now.profile = &profile;
  now.language = "en";
  now.history = &history;
  now.run_seed = 666;
  now.replicate = 2;
  now.turn = 5;
  std::set<std::uint64_t> seeds{agent.request(now, 0).seed};
  EXPECT_EQ(*seeds.begin(), derive_seed({666, "client001/baseline", 2, 5, "client", 0}));
  EXPECT_EQ(agent.request(now, 0).seed, *seeds.begin());
  const auto is_new = [&](const Agent& speaker, std::int64_t try_index) {
    return seeds.insert(speaker.request(now, try_index).seed).second;
  };
  EXPECT_TRUE(is_new(agent, 1));
  EXPECT_TRUE(is_new(other, 0));
  now.turn = 6;
  EXPECT_TRUE(is_new(agent, 0));
  now.replicate = 3;
  EXPECT_TRUE(is_new(agent, 0));
  now.run_seed = 667;
  EXPECT_TRUE(is_new(agent, 0));
  profile.occasion = "follow-up";
  EXPECT_TRUE(is_new(agent, 0));
  profile.client_id = "client002";
  EXPECT_TRUE(is_new(agent, 0));
}

TEST(RiskProtocol, IsInstructionsAndResources) {
  for (const char* language : {"en", "de"}) {
    const auto protocol = read_risk_protocol(testing::configs() / format("crisis/{}.md", language));
    EXPECT_THAT(protocol.text(), HasSubstr(protocol.resources));
    EXPECT_THAT(protocol.resources, HasSubstr("116 123"));
    EXPECT_THAT(protocol.text(), Not(HasSubstr("[[")));
  }
  const testing::TemporaryFolder folder;
  for (const char* text :
       {"Call 988.", "[[instructions]]\nAsk.\n", "[[instructions]]\nAsk.\n[[resources]]\n"}) {
    testing::write_text(folder / "crisis.md", text);
    EXPECT_THROW(read_risk_protocol(folder / "crisis.md"), FormatError) << text;
  }
}

TEST(PromptTemplate, NamesFileAndLineOfWhatIsWrong) {
  const auto message = [](const std::string& text) {
    return testing::error_text<FormatError>([&] { PromptTemplate prompt(text, "p.md"); });
  };
  EXPECT_THAT(message("hello"), HasSubstr("[[system]]"));
  EXPECT_THAT(message("[[system]]\nx\n[[sytsem]]\n"), HasSubstr("p.md:3"));
  EXPECT_THAT(message("[[system]]\nx\n[[system]]\n"), HasSubstr("a second time"));
  EXPECT_THAT(message("[[system]]\n{{turn"), HasSubstr("without '}}'"));
  EXPECT_NO_THROW(PromptTemplate("[[system]]\n{{{{ braces\n", "p.md"));
}

}  // namespace
}  // namespace sqpsych
