#include "data/datasets/importers/importer.h"

#include <gmock/gmock.h>

#include <set>

#include "core/error.h"
#include "core/interrupt.h"
#include "tests/support/error_text.h"
#include "tests/support/shared_data.h"
#include "tests/support/temporary_folder.h"

namespace sqpsych {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Import import_file(const std::filesystem::path& file, const std::string& expected_format) {
  const Importer& importer = choose_importer("auto", file);
  EXPECT_EQ(importer.name, expected_format) << file;
  Import import;
  importer.read(file, import);
  return import;
}

Import import_text(const std::string& text, const std::string& expected_format,
                   const std::string& name = "data.jsonl") {
  const testing::TemporaryFolder folder;
  testing::write_text(folder / name, text);
  return import_file(folder / name, expected_format);
}

std::size_t clients(const Import& import) {
  std::set<std::string> ids;
  for (const auto& session : import.sessions) ids.insert(session.client_id);
  return ids.size();
}

std::size_t ids(const Import& import) {
  std::set<std::string> all;
  for (const auto& session : import.sessions) all.insert(session.id);
  return all.size();
}

std::int64_t turns(const Import& import, const std::string& speaker = "") {
  std::int64_t count = 0;
  for (const auto& session : import.sessions)
    for (const auto& turn : session.turns) count += speaker.empty() || turn.speaker == speaker;
  return count;
}

std::string dialogue(const SourceSession& session) { return joined_text(session.turns); }

TEST(MagnetImporter, Finds442SessionsOf150Clients) {
  SQPSYCH_NEED_SHARED(file, "data/magnet/magnet_sessions.jsonl");
  const Import import = import_file(file, "magnet");
  EXPECT_TRUE(import.bad.empty());
  EXPECT_EQ(import.sessions.size(), 442U);
  EXPECT_EQ(ids(import), 442U);
  EXPECT_EQ(clients(import), 150U);
  EXPECT_EQ(turns(import), 18564);
  EXPECT_EQ(turns(import, "counselor"), 9282);
}

TEST(CpsycounImporter, FindsAllDialogues) {
  SQPSYCH_NEED_SHARED(file, "data/cpsycoun/cpsycound.jsonl");
  const Import import = import_file(file, "cpsycoun");
  for (const auto& bad : import.bad) ADD_FAILURE() << bad.where << ": " << bad.reason;
  EXPECT_EQ(import.sessions.size(), 3084U);
  EXPECT_EQ(clients(import), 3084U);
}

TEST(CpsycounImporter, FindsTheEvaluationCases) {
  SQPSYCH_NEED_SHARED(file, "data/cpsycoun/cpsycoune.jsonl");
  const Import import = import_file(file, "cpsycoun");
  EXPECT_TRUE(import.bad.empty());
  EXPECT_EQ(import.sessions.size(), 45U);
  EXPECT_EQ(turns(import, "client"), 296);
  std::set<std::string> topics;
  for (const auto& session : import.sessions) topics.insert(session.fields.at("topic"));
  EXPECT_EQ(topics.size(), 9U);
}

TEST(AnnomiImporter, Finds133Transcripts) {
  SQPSYCH_NEED_SHARED(file, "data/annomi/AnnoMI-simple.csv");
  const Import import = import_file(file, "annomi");
  EXPECT_TRUE(import.bad.empty());
  EXPECT_EQ(import.sessions.size(), 133U);
  EXPECT_EQ(clients(import), 133U);
  EXPECT_EQ(turns(import, "counselor"), 4882);
  EXPECT_EQ(turns(import, "client"), 4817);
  std::int64_t high = 0;
  for (const auto& session : import.sessions) high += session.fields.at("mi_quality") == "high";
  EXPECT_EQ(high, 110);
}

TEST(AnnomiImporter, CountsFurtherAnnotatorsOfTheFullFile) {
  SQPSYCH_NEED_SHARED(simple, "data/annomi/AnnoMI-simple.csv");
  SQPSYCH_NEED_SHARED(full, "data/annomi/AnnoMI-full.csv");
  const Import import = import_file(full, "annomi");
  EXPECT_EQ(import.sessions.size(), 133U);
  EXPECT_EQ(turns(import), 9699);
  ASSERT_EQ(import.notes.size(), 1U);
  EXPECT_EQ(import.notes.begin()->second, 13551 - 9699);
  const Import other = import_file(simple, "annomi");
  for (const auto& session : other.sessions) {
    const auto same =
        std::find_if(import.sessions.begin(), import.sessions.end(),
                     [&](const auto& candidate) { return candidate.id == session.id; });
    ASSERT_NE(same, import.sessions.end());
    EXPECT_EQ(dialogue(*same), dialogue(session));
  }
}

TEST(EsconvImporter, FindsTheDialoguesOfEverySplit) {
  const std::tuple<const char*, std::size_t, std::int64_t> table[] = {
      {"train.txt", 910, 26648}, {"valid.txt", 195, 5678}, {"test.txt", 195, 6039}};
  for (const auto& [name, sessions, utterances] : table) {
    SQPSYCH_NEED_SHARED(file, std::string("data/esconv/") + name);
    const Import import = import_file(file, "esconv");
    EXPECT_TRUE(import.bad.empty());
    EXPECT_EQ(import.sessions.size(), sessions);
    EXPECT_EQ(turns(import), utterances);
    EXPECT_EQ(import.sessions[0].fields.at("split"), file.stem());
    EXPECT_FALSE(import.sessions[0].failed);
  }
}

TEST(EsconvImporter, MarksFailedDialogues) {
  SQPSYCH_NEED_SHARED(file, "data/esconv/FailedESConv.json");
  const Import import = import_file(file, "esconv");
  EXPECT_EQ(import.sessions.size(), 196U);
  EXPECT_EQ(turns(import), 5230);
  for (const auto& session : import.sessions) EXPECT_TRUE(session.failed) << session.where;
}

TEST(CounselChatImporter, TakesTheQuestionAsTheClient) {
  SQPSYCH_NEED_SHARED(file, "data/counsel-chat/counsel_chat.jsonl");
  const Import import = import_file(file, "counsel-chat");
  EXPECT_TRUE(import.bad.empty());
  EXPECT_EQ(import.sessions.size(), 2129U);
  EXPECT_EQ(clients(import), 815U);
  std::map<std::string, int> splits;
  std::set<std::string> topics;
  for (const auto& session : import.sessions) {
    ++splits[session.fields.at("split")];
    topics.insert(session.fields.at("topic"));
  }
  EXPECT_EQ(splits, (std::map<std::string, int>{{"train", 1839}, {"val", 173}, {"test", 117}}));
  EXPECT_EQ(topics.size(), 31U);
}

TEST(SqpsychConvImporter, KeepsReplyOfManyLines) {
  const Import import = import_text(
      R"({"file_id":"active17","condition":"mdd","client_model":"q","therapist_model":"q","dialogue":"Therapist: Hi.\n\n1. One\n2. Two\nClient: **So**: yes\ntherapist (softly): Good. [/END]"})",
      "sqpsychconv");
  ASSERT_EQ(import.sessions.size(), 1U);
  EXPECT_EQ(dialogue(import.sessions[0]),
            "counselor: Hi.\n\n1. One\n2. Two\nclient: **So**: yes\ncounselor: Good. [/END]\n");
  EXPECT_EQ(import.sessions[0].group, "mdd");
  EXPECT_THAT(import.sessions[0].client_id, ::testing::Not(HasSubstr("active")));
}

TEST(SqpsychConvImporter, ReadsTranscriptFiles) {
  SQPSYCH_NEED_SHARED(file, "data/patient-psi/example_transcript.txt");
  const Import import = import_file(file, "sqpsychconv");
  ASSERT_EQ(import.sessions.size(), 1U);
  EXPECT_GT(import.sessions[0].turns.size(), 50U);
}

TEST(ShareGptImporter, ReadsSpeakersAndSystem) {
  const Import import = import_text(
      R"([{"id":"7","conversations":[{"from":"system","value":"Be kind."},{"from":"human","value":"Hi"},{"from":"gpt","value":"Hello"}]},
          {"conversations":[{"from":"function","value":"x"}]}])",
      "sharegpt", "data.json");
  ASSERT_EQ(import.sessions.size(), 1U);
  EXPECT_EQ(import.sessions[0].system, "Be kind.");
  EXPECT_EQ(dialogue(import.sessions[0]), "client: Hi\ncounselor: Hello\n");
  ASSERT_EQ(import.bad.size(), 1U);
  EXPECT_THAT(import.bad[0].where, HasSubstr("data.json[1]"));
  EXPECT_THAT(import.bad[0].reason, HasSubstr("conversations[0]: from: found 'function'"));
}

TEST(AlpacaImporter, PutsHistoryInFrontAndKnowsTheClientAgain) {
  const Import import = import_text(
      R"({"instruction":"Hi","input":"","output":"Hello","system":"S"})"
      "\n"
      R"({"instruction":"I am sad","input":"since May","output":"Why?","history":[["Hi","Hello"]]})"
      "\n"
      R"({"instruction":"x","output":"y","history":[["Hi"]]})"
      "\n",
      "alpaca");
  ASSERT_EQ(import.sessions.size(), 2U);
  EXPECT_EQ(dialogue(import.sessions[1]),
            "client: Hi\ncounselor: Hello\nclient: I am sad\nsince May\ncounselor: Why?\n");
  EXPECT_EQ(import.sessions[0].client_id, import.sessions[1].client_id);
  ASSERT_EQ(import.bad.size(), 1U);
  EXPECT_THAT(import.bad[0].where, HasSubstr("data.jsonl:3"));
}

TEST(MessagesImporter, KeepsClientIdsAndWeights) {
  const Import import = import_text(
      R"({"messages":[{"role":"system","content":"S"},{"role":"user","content":"a"},{"role":"assistant","content":"b","weight":0},{"role":"user","content":"c"},{"role":"assistant","content":"d"}],"client_id":"k"})"
      "\n"
      R"({"messages":[{"role":"user","content":"a"},{"role":"system","content":"late"}]})"
      "\n"
      R"({"messages":[{"role":"system","content":"S"}]})"
      "\n",
      "messages");
  ASSERT_EQ(import.sessions.size(), 1U);
  EXPECT_EQ(import.sessions[0].client_id, "k");
  EXPECT_FALSE(import.sessions[0].turns[1].trained);
  EXPECT_TRUE(import.sessions[0].turns[3].trained);
  EXPECT_EQ(import.bad.size(), 2U);
}

TEST(PairsImporter, ReadsInputAndOutputFromCsvToo) {
  const Import import =
      import_text("input,output\n\"He said \"\"hi\"\",\nand left\", Good.\n", "pairs", "data.csv");
  ASSERT_EQ(import.sessions.size(), 1U);
  // White space belongs to the text: " Good." is what a model completes the input with.
  EXPECT_EQ(dialogue(import.sessions[0]), "client: He said \"hi\",\nand left\ncounselor:  Good.\n");
}

TEST(Importer, NamesAndCountsEveryBadRecord) {
  const Import import =
      import_text(R"({"conversations":[{"from":"human","value":"a"},{"from":"gpt","value":"b"}]})"
                  "\n"
                  "{\"conversations\":[{\"from\":\"human\",\"value\":\"\xC3\x28\"}]}\n"
                  R"({"conversations":[{"from":"human","val)"
                  "\n"
                  R"({"conversations":"none"})"
                  "\n"
                  R"([1])"
                  "\n"
                  R"({"conversations":[]})"
                  "\n"
                  R"({"conversations":[{"from":"human","value":7}]})"
                  "\n",
                  "sharegpt");
  EXPECT_EQ(import.records, 7);
  EXPECT_EQ(import.sessions.size(), 1U);
  std::vector<std::string> lines;
  for (const auto& bad : import.bad) {
    EXPECT_FALSE(bad.reason.empty());
    EXPECT_THAT(bad.reason, ::testing::Not(HasSubstr("data.jsonl")))
        << "the place stands in `where`";
    lines.push_back(bad.where.substr(bad.where.rfind(':') + 1));
  }
  EXPECT_THAT(lines, ElementsAre("2", "3", "4", "5", "6", "7"));
}

TEST(Importer, NamesBadCsvRows) {
  const Import import = import_text(
      "transcript_id,interlocutor,utterance_id,utterance_text\n"
      "0,therapist,0,Hi\n0,client,1\n0,narrator,2,x\n0,client,two,x\n",
      "annomi", "a.csv");
  EXPECT_EQ(import.sessions.size(), 1U);
  ASSERT_EQ(import.bad.size(), 3U);
  EXPECT_THAT(import.bad[0].reason, HasSubstr("found 3 fields, expected 4"));
  EXPECT_THAT(import.bad[1].reason, HasSubstr("interlocutor: found 'narrator'"));
  EXPECT_THAT(import.bad[2].reason, HasSubstr("utterance_id: found 'two'"));
}

TEST(Importer, CountsBadRowsOfEachFileOnce) {
  const testing::TemporaryFolder folder;
  testing::write_text(folder / "a.csv",
                      "transcript_id,interlocutor,utterance_id,utterance_text\n"
                      "0,therapist,0,Hi\n0,narrator,1,x\n");
  Import import;
  for (int time = 0; time < 2; ++time)
    choose_importer("annomi", folder / "a.csv").read(folder / "a.csv", import);
  EXPECT_EQ(import.bad.size(), 2U);
  EXPECT_EQ(import.records, 4);  // per file a transcript and a row that cannot be read
}

TEST(Importer, SaysWhatItFoundWhenNothingFits) {
  const testing::TemporaryFolder folder;
  testing::write_text(folder / "x.jsonl", R"({"alpha":1,"beta":2})");
  const auto error =
      testing::error_text<ConfigError>([&] { choose_importer("auto", folder / "x.jsonl"); });
  EXPECT_THAT(error, HasSubstr("records with the keys 'alpha', 'beta'"));
  for (const auto& name : importer_names()) EXPECT_THAT(error, HasSubstr(name));
  EXPECT_THROW(choose_importer("parquet", folder / "x.jsonl"), ConfigError);
}

TEST(Importer, StopsInTheMiddleOfAFileWhenASignalCame) {
  const testing::TemporaryFolder folder;
  const auto lines = folder / "lines.jsonl";
  const auto array = folder / "array.json";
  const auto table = folder / "table.csv";
  testing::write_text(lines, "{\"a\":1}\n{\"a\":2}\n{\"a\":3}\n");
  testing::write_text(array, R"([{"a":1},{"a":2},{"a":3}])");
  testing::write_text(table, "a,b\n1,x\n2,x\n3,x\n");
  for (const auto& file : {lines, array, table}) {
    int visited = 0;
    const auto interrupted_at_the_second = [&](const Json&, const std::string&) {
      set_interrupt_requested(++visited == 2);
    };
    EXPECT_THROW(for_each_record(file, interrupted_at_the_second, nullptr), Interrupted) << file;
    set_interrupt_requested(false);
    EXPECT_EQ(visited, 2) << file;
  }
}

TEST(Importer, NamesAreUnique) {
  const auto names = importer_names();
  EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(), names.size());
  for (const auto& importer : importers()) EXPECT_GT(std::string(importer.about).size(), 10U);
}

}  // namespace
}  // namespace sqpsych
