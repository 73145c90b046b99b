#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <sstream>

#include "core/json_lines.h"
#include "data/sessions/session.h"
#include "generate/backends/grammar.h"
#include "tests/generate/support.h"

namespace sqpsych {
namespace {

using ::testing::HasSubstr;

std::vector<Session> demo_sessions(int count) {
  const testing::TemporaryFolder folder;
  testing::write_text(folder / "profiles.jsonl", testing::profile_lines(count));
  const auto loaded = testing::load_protocol("demo.json");
  RunOptions options;
  options.profiles = folder / "profiles.jsonl";
  options.output = folder / "run";
  run_generation(loaded.config, loaded.origin, options);
  std::vector<Session> sessions;
  for (const auto& record : read_json_lines(folder / "run/sessions.jsonl"))
    sessions.push_back(session_from_json(record, "line"));
  return sessions;
}

std::int64_t words_of(const std::string& text) {
  std::istringstream stream(text);
  std::string word;
  std::int64_t count = 0;
  while (stream >> word) ++count;
  return count;
}

TEST(Scripted, CannotBeLearntByHeart) {
  const auto sessions = demo_sessions(60);
  std::string training;
  std::vector<std::string> validation;
  for (std::size_t i = 0; i < sessions.size(); ++i)
    for (const auto& message : sessions[i].messages) {
      if (i % 10 == 4)
        validation.push_back(message.text);
      else
        training += message.text + "\n";
    }
  std::size_t known = 0;
  for (const auto& text : validation) known += training.find(text) != std::string::npos;
  EXPECT_GE(validation.size(), 100U);
  EXPECT_LE(static_cast<double>(known), 0.05 * static_cast<double>(validation.size()));
}

TEST(Scripted, SpeaksAtNaturalLengthWithoutRepeatingItself) {
  std::int64_t utterances = 0, short_ones = 0;
  for (const auto& session : demo_sessions(40)) {
    std::set<std::string> texts;
    for (const auto& message : session.messages) {
      const auto words = words_of(message.text);
      EXPECT_LE(words, 60) << message.text;
      EXPECT_GE(words, 8) << message.text;
      short_ones += words < 15;
      ++utterances;
      EXPECT_TRUE(texts.insert(message.text).second) << message.text;
      EXPECT_EQ(message.text.find_first_of("<>{}$"), std::string::npos) << message.text;
      EXPECT_EQ(message.text.find("  "), std::string::npos) << message.text;
    }
  }
  EXPECT_LE(static_cast<double>(short_ones), 0.05 * static_cast<double>(utterances));
}

struct GrammarFolder {
  testing::TemporaryFolder folder;
  explicit GrammarFolder(const std::string& rules) {
    testing::write_text(folder / "g.json",
                        R"({"name": "g", "language": "en", "turns": {"shortest": 1, "longest": 1},
                            "stages": [{"name": "talk", "turns": 1}],
                            "topics": {"sleep": ["sleep"], "general": []}, "rules": )" +
                            rules + "}");
  }
  std::string error() const {
    try {
      const Grammar grammar(folder.path());
      return "";
    } catch (const FormatError& error) {
      return error.what();
    }
  }
};

TEST(Grammar, NamesEveryProblemOfAFile) {
  const GrammarFolder broken(R"({"counselor.talk": ["<nowhere> {shoe} <open"],
                                 "loop.a": ["<loop.b>"], "loop.b": ["<loop.a>"],
                                 "empty": [], "heavy": [{"text": "x", "weight": 0}],
                                 "odd": [{"text": "x", "when": {"weather": ["bad"]}}]})");
  for (const char* part : {"closing bracket", "client.talk", "empty", "weight 0", "weather"})
    EXPECT_THAT(broken.error(), HasSubstr(part));
  const GrammarFolder references(
      R"({"counselor.talk": ["<nowhere>", "{shoe}"], "client.talk": ["<$topic.x>"]})");
  for (const char* part : {"<nowhere>", "{shoe}", "<sleep.x>", "<general.x>"})
    EXPECT_THAT(references.error(), HasSubstr(part));
  const GrammarFolder loop(
      R"({"counselor.talk": ["a"], "client.talk": ["<l.a>"], "l.a": ["<l.b>"], "l.b": ["<l.a>"]})");
  EXPECT_THAT(loop.error(), HasSubstr("calls itself"));
  const GrammarFolder good(R"({"counselor.talk": ["a"], "client.talk": ["b {answer}"]})");
  EXPECT_EQ(good.error(), "");
}

TEST(Grammar, TellsWhichFieldsASpeakerNeeds) {
  const Grammar grammar(testing::configs() / "grammars/cbt-en");
  EXPECT_EQ(grammar.fields_used_by("counselor"), std::vector<std::string>{});
  EXPECT_EQ(grammar.fields_used_by("client"), std::vector<std::string>{"items"});
}

TEST(Grammar, SaysOneThingAllSessionLongWhereItIsAskedTo) {
  const GrammarFolder folder(
      R"({"counselor.talk": ["a"], "client.talk": ["<=n> <=n>"], "n": ["1","2","3","4","5"]})");
  const Grammar grammar(folder.folder.path());
  std::set<std::string> texts;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const Expansion state{grammar, {}, {}, "", 42};
    RandomStream random(seed);
    texts.insert(state.expand("client.talk", random));
  }
  ASSERT_EQ(texts.size(), 1U);
  EXPECT_EQ(texts.begin()->front(), texts.begin()->back());
}

}  // namespace
}  // namespace sqpsych
