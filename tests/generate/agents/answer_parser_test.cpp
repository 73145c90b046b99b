#include "generate/agents/answer_parser.h"

#include <gtest/gtest.h>

namespace sqpsych {
namespace {

const AnswerRules kRules{{"Therapist", "Counselor"}, {"Client"}, "[/END]", {"[TOOL_CALLS]"}};

struct Case {
  const char* raw;
  const char* text;
  bool ended;
};

TEST(AnswerParser, ReadsWhatModelsReallyWrite) {
  const Case cases[] = {
      {"Hello.", "Hello.", false},
      {"Therapist: Hello.", "Hello.", false},
      {"**Therapist:** Hello.", "Hello.", false},
      {"**Therapist**: Hello.", "Hello.", false},
      {"counselor: Hello.", "Hello.", false},
      {"Here is the turn:\nTherapist: Hello.", "Hello.", false},
      {"Therapist: One.\n\nTwo, a new paragraph.", "One.\n\nTwo, a new paragraph.", false},
      {"Therapist: One.\nTherapist: Two.", "One.\nTwo.", false},
      {"Therapist: One.\nClient: Yes.\nTherapist: Two.", "One.", false},
      {"How are you? Client: Fine.", "How are you?", false},
      {"My last client: a difficult case.", "My last client: a difficult case.", false},
      {"Goodbye. [/END]", "Goodbye.", true},
      {"Goodbye. [END]", "Goodbye.", true},
      {"Goodbye. [ / end ]", "Goodbye.", true},
      {"Goodbye. **[/END]**", "Goodbye.", true},
      {"Goodbye. </END>", "Goodbye.", true},
      {"Goodbye. [/END", "Goodbye.", true},
      {"An empty box [] is no end.", "An empty box [] is no end.", false},
      {"A note [smiles] and [/ENDLESS] stay.", "A note [smiles] and [/ENDLESS] stay.", false},
      {"In the end, 2 < 3.", "In the end, 2 < 3.", false},
      {"<think>She is sad.</think>\nI hear you.", "I hear you.", false},
      {"She is sad.</think>I hear you.", "I hear you.", false},
      {"\"I hear you.\"", "I hear you.", false},
      {"\"No\" and \"yes\"", "\"No\" and \"yes\"", false},
      {"I hear you. (12 words)", "I hear you.", false},
      {"I hear you (in few words)", "I hear you (in few words)", false},
      {"[TOOL_CALLS]I hear you.", "I hear you.", false},
  };
  for (const auto& [raw, text, ended] : cases) {
    const auto answer = parse_answer(raw, kRules);
    EXPECT_EQ(answer.text, text) << raw;
    EXPECT_EQ(answer.ended, ended) << raw;
    EXPECT_EQ(answer.failure, "") << raw;
  }
}

TEST(AnswerParser, ReportsWhatIsNoUtterance) {
  for (const char* raw : {"", "  \n", "Client: Only the other one.", "Therapist:", "[/END]"})
    EXPECT_EQ(parse_answer(raw, kRules).failure, "empty") << raw;
  EXPECT_TRUE(parse_answer("[/END]", kRules).ended);
  EXPECT_EQ(parse_answer("<think>on and on", kRules).failure, "reasoning_unfinished");
}

TEST(AnswerParser, KeepsHiddenReasoning) {
  EXPECT_EQ(parse_answer("<think> Be kind. </think>Hi.", kRules).reasoning, "Be kind.");
}

TEST(AnswerParser, ComparesWordsOnly) {
  EXPECT_EQ(normalised_words("I'm  fine."), normalised_words("i m fine"));
  EXPECT_NE(normalised_words("I am fine"), normalised_words("I am fine too"));
}

TEST(AnswerParser, TrimsToTheLastSentence) {
  EXPECT_EQ(trim_to_sentence("One. Two? Thr"), "One. Two?");
  EXPECT_EQ(trim_to_sentence("no end"), "no end");
}

}  // namespace
}  // namespace sqpsych
