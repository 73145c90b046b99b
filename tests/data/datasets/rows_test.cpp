#include "data/datasets/rows.h"

#include <gmock/gmock.h>

#include "core/error.h"
#include "data/datasets/split.h"
#include "tests/data/datasets/sessions_for_tests.h"
#include "tests/support/error_text.h"

namespace sqpsych {
namespace {

using ::testing::HasSubstr;

SourceSession example() {
  SourceSession session = testing::session_of("s", {{'T', "Hello."},
                                                    {'C', "Hi."},
                                                    {'T', "How are you?"},
                                                    {'C', "Sad."},
                                                    {'T', "Why?"},
                                                    {'C', "Bye."}});
  session.fields = {{"topic", "mood"}};
  return session;
}

struct Made {
  std::vector<DatasetRow> rows;
  ChangeCounts counts;
};

Made make(const DatasetConfig& config, const SourceSession& session = example(),
          const std::string& system = "S", bool weighted = false) {
  Made made;
  made.rows =
      rows_of(session, {config, system, {"topic"}, weighted || config.rows == "turn"}, made.counts);
  return made;
}

std::string text_of(const DatasetRow& row) {
  std::string text;
  for (const auto& message : row.messages) {
    text += message.role.substr(0, 1) + ":" + message.content;
    if (message.weight) text += *message.weight != 0 ? "+" : "-";
    text += "|";
  }
  return text;
}

TEST(Rows, OneRowPerSession) {
  DatasetConfig config;
  const Made made = make(config);
  ASSERT_EQ(made.rows.size(), 1U);
  EXPECT_EQ(text_of(made.rows[0]), "s:S|u:Hello.|a:Hello.|u:Hi.|a:How are you?|u:Sad.|a:Why?|");
  EXPECT_EQ(made.rows[0].id, "s");
  EXPECT_EQ(made.rows[0].client_id, "client-of-s");
  EXPECT_EQ(made.rows[0].meta["turns"], 6);
  EXPECT_EQ(made.rows[0].meta["topic"], "mood");
  EXPECT_EQ(made.counts.at("client turns behind the last reply, left out"), 1);
  EXPECT_EQ(made.counts.at("sessions opened by the counselor: opening_text put in front"), 1);
}

TEST(Rows, OpeningsAreChosenExplicitly) {
  DatasetConfig config;
  config.opening = "assistant";
  EXPECT_EQ(text_of(make(config, example(), "").rows[0]),
            "a:Hello.|u:Hi.|a:How are you?|u:Sad.|a:Why?|");
  config.opening = "drop";
  EXPECT_EQ(text_of(make(config, example(), "").rows[0]), "u:Hi.|a:How are you?|u:Sad.|a:Why?|");
}

TEST(Rows, OneRowPerCounselorTurnTrainsTheLastReplyOnly) {
  DatasetConfig config;
  config.rows = "turn";
  const Made made = make(config, example(), "");
  ASSERT_EQ(made.rows.size(), 3U);
  EXPECT_EQ(text_of(made.rows[0]), "u:Hello.-|a:Hello.+|");
  EXPECT_EQ(text_of(made.rows[2]), "u:Hello.-|a:Hello.-|u:Hi.-|a:How are you?-|u:Sad.-|a:Why?+|");
  EXPECT_EQ(made.rows[2].id, "s-t6");
  config.history_turns = 2;
  EXPECT_EQ(text_of(make(config, example(), "S").rows[2]), "s:S-|u:Sad.-|a:Why?+|");
}

TEST(Rows, RawTextIsInputSpaceOutput) {
  DatasetConfig config;
  config.rows = "raw";
  const Made made = make(config);
  ASSERT_EQ(made.rows.size(), 2U);
  EXPECT_EQ(made.rows[0].prompt + made.rows[0].completion,
            "S\n\nTherapist: Hello.\nClient: Hi.\nTherapist: How are you?");
  EXPECT_EQ(made.rows[0].completion, " How are you?");
  EXPECT_EQ(made.counts.at("counselor's first words, no row of their own"), 1);
  config.raw.opener = true;
  EXPECT_EQ(make(config, example(), "").rows[0].prompt, "Therapist:");
  config.raw.counselor = config.raw.client = "";
  const SourceSession pair = testing::session_of("p", {{'C', "input"}, {'T', "output"}});
  const Made bare = make(config, pair, "");
  EXPECT_EQ(bare.rows[0].prompt + bare.rows[0].completion, "input output");
}

TEST(Rows, WeightsAreOnEveryMessageOrOnNone) {
  DatasetConfig config;
  SourceSession session = example();
  session.turns[0].trained = false;
  EXPECT_EQ(text_of(make(config, session, "S", true).rows[0]),
            "s:S-|u:Hello.-|a:Hello.-|u:Hi.-|a:How are you?+|u:Sad.-|a:Why?+|");
}

TEST(Rows, TheSourcesSystemMessageWins) {
  DatasetConfig config;
  SourceSession session = example();
  session.system = "Own";
  EXPECT_EQ(make(config, session).rows[0].messages[0].content, "Own");
  config.system.keep = false;
  EXPECT_EQ(make(config, session).rows[0].messages[0].content, "S");
}

std::vector<SourceSession> many_sessions(int count) {
  std::vector<SourceSession> sessions;
  for (int i = 0; i < count; ++i) sessions.push_back(testing::session_of(std::to_string(i), {}));
  return sessions;
}

TEST(Split, RemovingOneClientMovesNobody) {
  auto sessions = many_sessions(1000);
  const auto before = split_clients(sessions, {});
  sessions.erase(sessions.begin() + 17);
  const auto after = split_clients(sessions, {});
  EXPECT_EQ(after.size(), 999U);
  for (const auto& [client, split] : after) EXPECT_EQ(split, before.at(client));
}

TEST(Split, SharesAreKeptAndSeedsDiffer) {
  const auto sessions = many_sessions(4000);
  SplitConfig config;
  config.validation = 0.2;
  const auto first = split_clients(sessions, config);
  config.seed = 2;
  const auto second = split_clients(sessions, config);
  int counts[3] = {};
  for (const auto& [client, split] : first) ++counts[split];
  EXPECT_NEAR(counts[1], 800, 100);
  EXPECT_NEAR(counts[2], 400, 80);
  EXPECT_NE(first, second);
}

TEST(Split, FollowsColumnsAndLists) {
  auto sessions = many_sessions(3);
  SplitConfig config;
  config.by = "column";
  for (int i = 0; i < 3; ++i) sessions[i].fields["split"] = std::vector{"train", "val", "TEST"}[i];
  EXPECT_EQ(
      split_clients(sessions, config),
      (std::map<std::string, int>{{"client-of-0", 0}, {"client-of-1", 1}, {"client-of-2", 2}}));
  config.by = "list";
  config.test_clients = {"client-of-0"};
  EXPECT_EQ(split_clients(sessions, config).at("client-of-0"), 2);
}

std::string split_error(const std::vector<SourceSession>& sessions, const SplitConfig& config) {
  return testing::error_text<ConfigError>([&] { split_clients(sessions, config); });
}

TEST(Split, RefusesAClientInTwoSplits) {
  auto sessions = many_sessions(2);
  SplitConfig config;
  config.by = "column";
  sessions[0].fields["split"] = "train";
  sessions[1].fields["split"] = "nowhere";
  EXPECT_THAT(split_error(sessions, config), HasSubstr("test:1: field 'split': found 'nowhere'"));
  sessions[1].fields["split"] = "test";
  sessions[1].client_id = sessions[0].client_id;
  EXPECT_THAT(split_error(sessions, config),
              HasSubstr("client 'client-of-0': found it in train and in test"));
  const std::string many = split_error(many_sessions(500), config);
  EXPECT_EQ(std::count(many.begin(), many.end(), '\n'), 20);
  EXPECT_THAT(many, HasSubstr("and 480 more problems"));
  config.by = "list";
  config.test_clients = {"nobody"};
  EXPECT_THAT(split_error(sessions, config), HasSubstr("test_clients: found 'nobody'"));
}

}  // namespace
}  // namespace sqpsych
