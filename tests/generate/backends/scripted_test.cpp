#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <sstream>

#include "core/json_lines.h"
#include "data/sessions/session.h"
#include "generate/agents/risk_protocol.h"
#include "generate/backends/grammar.h"
#include "tests/generate/support.h"
#include "tests/support/error_text.h"

namespace sqpsych {
namespace {

using ::testing::HasSubstr;

constexpr const char* kLanguages[] = {"en", "de"};

/// Sentences as the shipped wordings have them, so that topics are found.
std::string profile_lines_in(const std::string& language, int count) {
  const std::vector<std::string> german = {
      "Beinahe jeden Tag konnte ich schlecht ein- oder durchschlafen oder habe zu viel geschlafen.",
      "An einzelnen Tagen war ich niedergeschlagen, schwermütig oder hoffnungslos.",
      "An mehr als der Hälfte der Tage war ich müde oder hatte das Gefühl, keine Energie zu haben.",
      "An einzelnen Tagen habe ich mir übermäßige Sorgen um verschiedene Dinge gemacht."};
  std::string lines;
  for (int i = 0; i < count; ++i) {
    auto profile = testing::example_profile(i, i % 4);
    profile.language = language;
    for (std::size_t item = 0; language == "de" && item < german.size(); ++item)
      profile.questionnaires[0].items[item].sentence = german[item];
    lines += to_line(to_json(profile)) + "\n";
  }
  return lines;
}

std::vector<Session> demo_sessions(const std::string& profiles,
                                   const std::vector<std::string>& sets = {}) {
  const testing::TemporaryFolder folder;
  testing::write_text(folder / "profiles.jsonl", profiles);
  const auto loaded = testing::load_protocol("demo.json", sets);
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
  for (const auto* language : kLanguages) {
    const auto sessions = demo_sessions(profile_lines_in(language, 60));
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
    EXPECT_LE(static_cast<double>(known), 0.05 * static_cast<double>(validation.size()))
        << language;
  }
}

TEST(Scripted, SpeaksAtNaturalLengthWithoutRepeatingItself) {
  for (const auto* language : kLanguages) {
    std::int64_t utterances = 0, short_ones = 0;
    const auto sessions = demo_sessions(profile_lines_in(language, 40));
    ASSERT_EQ(sessions.size(), 40U);
    for (const auto& session : sessions) {
      std::set<std::string> texts;
      for (const auto& message : session.messages) {
        const auto words = words_of(message.text);
        EXPECT_LE(words, 60) << message.text;
        EXPECT_GE(words, 8) << message.text;
        short_ones += words < 15;
        ++utterances;
        EXPECT_TRUE(texts.insert(message.text).second) << message.text;
        EXPECT_EQ(message.text.find_first_of("<>{}$"), std::string::npos) << message.text;
        for (const char* slip : {"  ", " ,", ",,", ":,", "..\"", ". ,", "?."})
          EXPECT_EQ(message.text.find(slip), std::string::npos) << message.text;
      }
    }
    EXPECT_LE(static_cast<double>(short_ones), 0.05 * static_cast<double>(utterances)) << language;
  }
}

TEST(Scripted, TalksAboutWhatTheAnswersSay) {
  for (const auto* language : kLanguages) {
    std::set<std::string> openings;
    for (const auto& session : demo_sessions(profile_lines_in(language, 12)))
      openings.insert(session.messages.at(3).text);
    std::string all;
    for (const auto& text : openings) all += text;
    EXPECT_THAT(all, HasSubstr(language == std::string("en") ? "sleep" : "chlaf"));
    EXPECT_GE(openings.size(), 11U);
  }
}

TEST(Scripted, NeverSaysACliniciansSentenceAsItsOwn) {
  auto profile = testing::example_profile(1, 3);
  profile.questionnaires[0].rater = "clinician";
  for (auto& item : profile.questionnaires[0].items) item.sentence = "The person sleeps badly.";
  const auto sessions =
      demo_sessions(to_line(to_json(profile)) + "\n", {"sessions_per_profile=10"});
  ASSERT_EQ(sessions.size(), 10U);
  for (const auto& session : sessions)
    for (const auto& message : session.messages)
      EXPECT_EQ(message.text.find("The person"), std::string::npos) << message.text;
}

TEST(Scripted, FollowsTheRiskProtocolInEveryLanguage) {
  for (const std::string language : kLanguages) {
    auto profile = testing::example_profile(1, 3);
    profile.language = language;
    profile.risk_positive = true;
    const auto lines = to_line(to_json(profile)) + "\n";
    const auto help =
        read_risk_protocol(testing::configs() / format("crisis/{}.md", language)).resources;
    const Grammar grammar(testing::configs() / format("grammars/cbt-{}", language));
    const auto& answers = grammar.rule(language == "en" ? "k.safety_now" : "k.schutz_jetzt");
    const auto is_answer = [&](const std::string& text) {
      return std::any_of(answers.begin(), answers.end(),
                         [&](const auto& answer) { return text.starts_with(answer.text); });
    };
    for (const std::string policy : {"mark", "protocol"}) {
      const bool asked = policy == "protocol";
      const auto sessions =
          demo_sessions(lines, {"sessions_per_profile=8", "risk_policy=" + policy});
      EXPECT_EQ(sessions.size(), 8U);
      for (const auto& session : sessions) {
        const auto& counselor = session.messages.at(4).text;
        EXPECT_EQ(counselor.find(help) != std::string::npos, asked) << counselor;
        EXPECT_EQ(is_answer(session.messages.at(5).text), asked) << session.messages[5].text;
      }
    }
    EXPECT_TRUE(demo_sessions(lines).empty()) << "left out unless the config says otherwise";
  }
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
    return testing::error_text<FormatError>([&] { const Grammar grammar(folder.path()); });
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
  const GrammarFolder choices(
      R"({"counselor.talk": ["a"], "client.talk": ["b"]}, "choices": {"mood": []})");
  EXPECT_THAT(choices.error(), HasSubstr("choices.mood: found nothing"));
  const GrammarFolder good(R"({"counselor.talk": ["a"], "client.talk": ["b {answer}"]})");
  EXPECT_NO_THROW(Grammar(good.folder.path()));
}

TEST(Grammar, TellsWhichFieldsASpeakerNeeds) {
  for (const auto* language : kLanguages) {
    const Grammar grammar(testing::configs() / format("grammars/cbt-{}", language));
    EXPECT_EQ(grammar.fields_used_by("counselor"), std::vector<std::string>{});
    EXPECT_EQ(grammar.fields_used_by("client"), std::vector<std::string>{"items"});
  }
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
