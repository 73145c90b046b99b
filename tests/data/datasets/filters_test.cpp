#include "data/datasets/filters.h"

#include <gmock/gmock.h>

#include <functional>

#include "data/datasets/clean.h"
#include "tests/data/datasets/sessions_for_tests.h"

namespace sqpsych {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

SourceSession plain() {
  return testing::session_of(
      "s", {{'C', "I sleep badly."}, {'T', "Since when?"}, {'C', "May."}, {'T', "I see."}});
}

struct FilterCase {
  const char* filter;
  std::function<void(SourceSession&)> change;
  std::function<void(FilterConfig&)> configure;
  /// The limit that plain() just keeps, where `configure` sets one that it does not.
  std::function<FilterConfig()> quiet = nullptr;
};

const FilterCase kCases[] = {
    {"failed", [](SourceSession& s) { s.failed = true; }, [](FilterConfig&) {}},
    {"positive_risk", [](SourceSession& s) { s.risk_positive = true; }, [](FilterConfig&) {}},
    {"keep_only", [](SourceSession& s) { s.fields["quality"] = "low"; },
     [](FilterConfig& c) {
       c.keep_only = {{"quality", {"high"}}};
     }},
    {"no_reply",
     [](SourceSession& s) {
       for (auto& turn : s.turns) turn.trained = false;
     },
     [](FilterConfig&) {}},
    {"few_turns", [](SourceSession&) {}, [](FilterConfig& c) { c.min_turns = 5; },
     [] {
       FilterConfig c;
       c.min_turns = 4;
       return c;
     }},
    {"many_turns", [](SourceSession&) {}, [](FilterConfig& c) { c.max_turns = 3; },
     [] {
       FilterConfig c;
       c.max_turns = 4;
       return c;
     }},
    {"short_text", [](SourceSession&) {}, [](FilterConfig& c) { c.min_characters = 36; },
     [] {
       FilterConfig c;
       c.min_characters = 35;
       return c;
     }},
    {"long_text", [](SourceSession&) {}, [](FilterConfig& c) { c.max_characters = 34; },
     [] {
       FilterConfig c;
       c.max_characters = 35;
       return c;
     }},
    {"long_turn", [](SourceSession&) {}, [](FilterConfig& c) { c.max_turn_characters = 13; },
     [] {
       FilterConfig c;
       c.max_turn_characters = 14;
       return c;
     }},
    {"same_speaker", [](SourceSession& s) { s.turns[1].speaker = "client"; },
     [](FilterConfig& c) { c.same_speaker = true; }},
    {"placeholder", [](SourceSession& s) { s.turns[1].text = "Hi [Client's name]!"; },
     [](FilterConfig&) {}},
    {"repeated", [](SourceSession& s) { s.turns[3].text = "Since when?"; },
     [](FilterConfig& c) { c.max_repeated = 0.2; }},
    {"foreign_script", [](SourceSession& s) { s.turns[1].text = "好的，我明白"; },
     [](FilterConfig& c) { c.script = "latin"; }},
};

TEST(Filters, EachFindsItsReasonAndIsQuietOtherwise) {
  std::set<std::string> tested = {"duplicate"};
  for (const auto& test : kCases) {
    FilterConfig config;
    FilterMemory memory;
    DroppedSession dropped;
    test.configure(config);
    SourceSession good = plain();
    good.fields["quality"] = "high";
    EXPECT_TRUE(passes_filters(good, test.quiet ? test.quiet() : config, memory, dropped))
        << test.filter << dropped.found;
    FilterMemory fresh;
    test.change(good);
    EXPECT_FALSE(passes_filters(good, config, fresh, dropped)) << test.filter;
    EXPECT_EQ(dropped.filter, test.filter);
    EXPECT_FALSE(dropped.found.empty());
    EXPECT_EQ(dropped.where, "test:s");
    tested.insert(test.filter);
  }
  for (const auto& filter : filters()) EXPECT_TRUE(tested.contains(filter.name)) << filter.name;
}

TEST(Filters, DropsTheSecondSessionOfTheSameText) {
  FilterMemory memory;
  DroppedSession dropped;
  SourceSession other = plain();
  other.id = "t";
  EXPECT_TRUE(passes_filters(plain(), {}, memory, dropped));
  EXPECT_FALSE(passes_filters(other, {}, memory, dropped));
  EXPECT_EQ(dropped.filter, "duplicate");
  EXPECT_EQ(dropped.id, "t");
}

TEST(Filters, FindsSlotsButNotOtherBrackets) {
  const auto words = FilterConfig().placeholder_words;
  EXPECT_THAT(
      find_placeholders(
          "Dear [Name], see {insert date} or <your city>. [ ] [laughs] {x} a<b>c [names]", words),
      ElementsAre("[Name]", "{insert date}", "<your city>"));
  EXPECT_THAT(find_placeholders("[name without an end", words), IsEmpty());
  EXPECT_THAT(find_placeholders("[" + std::string(36, ' ') + "name]", words).size(), 1U);
  EXPECT_THAT(find_placeholders("[" + std::string(37, ' ') + "name]", words), IsEmpty());
  EXPECT_THAT(find_placeholders("[the name of somebody whom I knew for many, many years]", words),
              IsEmpty());
}

TEST(Filters, KnowsScripts) {
  EXPECT_EQ(foreign_share("Grüße, 123!", "latin"), 0);
  EXPECT_EQ(foreign_share("", "latin"), 0);
  EXPECT_EQ(foreign_share("来访者", "latin"), 1);
  EXPECT_EQ(foreign_share("来访者", "chinese"), 0);
  EXPECT_EQ(foreign_share("わたしは私", "japanese"), 0);
  EXPECT_DOUBLE_EQ(foreign_share("abc д", "latin"), 0.25);
}

TEST(Filters, CountsRepeatsPerSpeaker) {
  EXPECT_EQ(repeated_share(testing::session_of("s", {{'T', "Yes."}, {'C', "Yes."}})), 0);
  EXPECT_EQ(repeated_share(
                testing::session_of("s", {{'T', "Yes."}, {'C', "a"}, {'T', "Yes. "}, {'C', "b"}})),
            0.25);
  EXPECT_EQ(repeated_share({}), 0);
}

TEST(Clean, CutsTokensAndLabelsAndMerges) {
  SourceSession session = testing::session_of("s", {{'T', "Therapist: Hi. [/END]"},
                                                    {'T', "How are you?"},
                                                    {'C', "client:  Fine"},
                                                    {'C', " [/END] "},
                                                    {'T', "Client: is a label of the other"}});
  ChangeCounts counts;
  clean_session({}, session, counts);
  ASSERT_EQ(session.turns.size(), 3U);
  EXPECT_EQ(session.turns[0].text, "Hi.\nHow are you?");
  EXPECT_EQ(session.turns[1].text, "Fine");
  EXPECT_EQ(session.turns[2].text, "Client: is a label of the other");
  EXPECT_EQ(counts["utterances with an end token, cut out"], 2);
  EXPECT_EQ(counts["utterances with a leaked speaker label, cut off"], 2);
  EXPECT_EQ(counts["utterances merged into the one before, same speaker"], 1);
  EXPECT_EQ(counts["empty utterances, left out"], 1);
}

TEST(Clean, KeepsWhatItIsTold) {
  SourceSession session = testing::session_of("s", {{'T', "Therapist: Hi. [/END]"}, {'T', "Yes?"}});
  CleanConfig config;
  config.end_tokens.clear();
  config.speaker_labels = false;
  config.same_speaker = "keep";
  ChangeCounts counts;
  clean_session(config, session, counts);
  EXPECT_EQ(session.turns.size(), 2U);
  EXPECT_EQ(session.turns[0].text, "Therapist: Hi. [/END]");
  EXPECT_TRUE(counts.empty());
}

}  // namespace
}  // namespace sqpsych
