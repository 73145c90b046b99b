#include "data/datasets/dataset.h"

#include <gmock/gmock.h>

#include <set>

#include "core/error.h"
#include "core/json_lines.h"
#include "tests/support/error_text.h"
#include "tests/support/shared_data.h"
#include "tests/support/source_path.h"
#include "tests/support/temporary_folder.h"

namespace sqpsych {
namespace {

using ::testing::HasSubstr;

std::string session_line(const std::string& id, const std::string& client,
                         const std::string& status = "complete", bool risk = false) {
  const Json record = {{"schema", "sqpsych.session/1"},
                       {"id", id},
                       {"client_id", client},
                       {"status", status},
                       {"stop_reason", "end_token"},
                       {"risk", {{"positive", risk}}},
                       {"group", "mdd"},
                       {"messages",
                        {{{"speaker", "counselor"}, {"text", "Hello, how are you, " + id + "?"}},
                         {{"speaker", "client"}, {"text", "I am " + id + "."}},
                         {{"speaker", "counselor"}, {"text", "Tell me more. [/END]"}}}}};
  return record.dump() + "\n";
}

std::string forty_sessions() {
  std::string text;
  for (int i = 0; i < 40; ++i) text += session_line(format("s{}", i), format("c{}", i / 2));
  return text;
}

/// Files of a folder as name -> content, without the manifest (it holds the time).
std::map<std::string, std::string> contents(const std::filesystem::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (entry.path().filename() != "manifest.json")
      files[entry.path().filename().string()] = read_file(entry.path());
  return files;
}

void expect_no_client_twice(const Dataset& dataset) {
  std::map<std::string, int> split_of;
  for (int i = 0; i < 3; ++i)
    for (const auto& row : dataset.splits[static_cast<std::size_t>(i)])
      EXPECT_EQ(split_of.emplace(row.client_id, i).first->second, i) << row.client_id;
}

TEST(Dataset, SplitsMagnetBy150Clients) {
  SQPSYCH_NEED_SHARED(file, "data/magnet/magnet_sessions.jsonl");
  DatasetConfig config;
  config.filters.max_placeholders.reset();
  const Dataset dataset = build_dataset({file}, config);
  EXPECT_EQ(dataset.report.clients, 150);
  EXPECT_EQ(dataset.report.sessions, 442);
  EXPECT_EQ(dataset.report.rows(), 442);
  std::int64_t clients = 0;
  for (const auto& split : dataset.report.splits) {
    clients += split.clients;
    EXPECT_GT(split.rows, 0);
  }
  EXPECT_EQ(clients, 150);
  expect_no_client_twice(dataset);
  EXPECT_NEAR(dataset.report.repeated_share, 1407.0 / 18564, 0.001);
  EXPECT_EQ(dataset.report.changes.at("utterances with a leaked speaker label, cut off"), 112);
}

TEST(Dataset, KeepsTheSplitsOfTheSource) {
  SQPSYCH_NEED_SHARED(train, "data/esconv/train.txt");
  SQPSYCH_NEED_SHARED(valid, "data/esconv/valid.txt");
  SQPSYCH_NEED_SHARED(test, "data/esconv/test.txt");
  SQPSYCH_NEED_SHARED(failed, "data/esconv/FailedESConv.json");
  DatasetConfig config;
  config.split.by = "column";
  config.filters.max_placeholders.reset();
  const Dataset dataset = build_dataset({train, valid, test, failed}, config);
  EXPECT_EQ(dataset.report.sessions, 1300 + 196);
  EXPECT_EQ(dataset.report.dropped_by_filter.at("failed"), 196);
  EXPECT_EQ(dataset.report.splits[0].sessions, 910);
  EXPECT_EQ(dataset.report.splits[1].sessions, 195);
  EXPECT_EQ(dataset.report.splits[2].sessions, 195);
}

TEST(Dataset, EveryRowHasTheSameKeysAndTypes) {
  SQPSYCH_NEED_SHARED(magnet, "data/magnet/magnet_sessions.jsonl");
  SQPSYCH_NEED_SHARED(annomi, "data/annomi/AnnoMI-simple.csv");
  SQPSYCH_NEED_SHARED(counsel, "data/counsel-chat/counsel_chat.jsonl");
  for (const char* rows : {"session", "turn", "raw"}) {
    DatasetConfig config;
    config.rows = rows;
    // A row per turn of MAGneT repeats 20 turns on average: 200 MB that show nothing more.
    std::vector<std::filesystem::path> files = {annomi, counsel};
    if (config.rows == "session") files.push_back(magnet);
    const Dataset dataset = build_dataset(files, config);
    std::set<std::string> shapes;
    for (const auto& split : dataset.splits)
      for (const auto& row : split) {
        std::string shape;
        const Json record = to_json(row);
        for (const auto& [key, value] : record.items())
          shape += key + ":" + value.type_name() + " ";
        for (const auto& [key, value] : row.meta.items())
          shape += key + ":" + value.type_name() + " ";
        if (!row.is_raw())
          for (const auto& message : record["messages"])
            shapes.insert(message.contains("weight") ? "w" : "-");
        shapes.insert(shape);
      }
    EXPECT_EQ(shapes.size(), std::string(rows) == "raw" ? 1U : 2U) << rows;
    expect_no_client_twice(dataset);
  }
}

TEST(Dataset, PublishedPairsBecomeInputSpaceOutputToTheLastByte) {
  const testing::TemporaryFolder folder;
  const std::string input = "  <|user|>\nI sleep badly. [/END]\n<|assistant|>\n\n";
  const std::string output = "Since when?\n";
  testing::write_text(folder / "pairs.jsonl",
                      Json({{"input", input}, {"output", output}}).dump() + "\n");
  const auto config = load_config<DatasetConfig>(
      testing::source_path("configs/dataset/sqpsychconv_finetune.json"), {});
  const Dataset dataset = build_dataset({folder / "pairs.jsonl"}, config);
  std::vector<DatasetRow> rows;
  for (const auto& split : dataset.splits) rows.insert(rows.end(), split.begin(), split.end());
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].prompt + rows[0].completion, input + " " + output);
}

TEST(Dataset, WritesEverythingAndTheSameAgain) {
  const testing::TemporaryFolder folder;
  testing::write_text(folder / "sessions.jsonl",
                      forty_sessions() + session_line("bad", "c1", "failed") +
                          session_line("risky", "c2", "complete", true) + "{\"half\":\n");
  DatasetConfig config;
  const Dataset dataset = build_dataset({folder / "sessions.jsonl"}, config);
  write_dataset(dataset, {folder / "sessions.jsonl"}, config, folder / "out", Existing::kRefuse);
  const auto files = contents(folder / "out");
  for (const char* name : {"train.jsonl", "validation.jsonl", "test.jsonl", "dropped.jsonl",
                           "dataset_info.json", "README.md"})
    EXPECT_TRUE(files.contains(name)) << name;
  EXPECT_TRUE(std::filesystem::exists(folder / "out" / "manifest.json"));
  EXPECT_EQ(read_dataset_rows(folder / "out" / "train.jsonl").size(), dataset.splits[0].size());
  EXPECT_THAT(files.at("dropped.jsonl"), HasSubstr("\"reason\":\"failed\""));
  EXPECT_THAT(files.at("dropped.jsonl"), HasSubstr("\"reason\":\"positive_risk\""));
  EXPECT_THAT(files.at("dropped.jsonl"), HasSubstr("sessions.jsonl:43"));
  EXPECT_THAT(files.at("train.jsonl"), ::testing::Not(HasSubstr("[/END]")));
  EXPECT_THAT(files.at("README.md"), HasSubstr("path: train.jsonl"));
  EXPECT_THAT(files.at("README.md"), HasSubstr("language:\n- \""));
  EXPECT_THAT(files.at("README.md"), HasSubstr("not for patients"));

  EXPECT_THROW(write_dataset(dataset, {}, config, folder / "out", Existing::kRefuse), ConfigError);
  write_dataset(build_dataset({folder / "sessions.jsonl"}, config), {}, config, folder / "out",
                Existing::kOverwrite);
  EXPECT_EQ(contents(folder / "out"), files);
}

TEST(Dataset, NeverReplacesAFolderThatHoldsItsInput) {
  const testing::TemporaryFolder folder;
  testing::write_text(folder / "out/sessions.jsonl", forty_sessions());
  const Dataset dataset = build_dataset({folder / "out/sessions.jsonl"}, {});
  EXPECT_THROW(write_dataset(dataset, {folder / "out/sessions.jsonl"}, {}, folder / "out",
                             Existing::kOverwrite),
               ConfigError);
  EXPECT_TRUE(std::filesystem::exists(folder / "out/sessions.jsonl"));
}

TEST(Dataset, LeavesEmptySplitsOutOfTheCard) {
  const testing::TemporaryFolder folder;
  testing::write_text(folder / "sessions.jsonl", session_line("a", "c"));
  DatasetConfig config;
  config.split.validation = config.split.test = 0;
  const Dataset dataset = build_dataset({folder / "sessions.jsonl"}, config);
  EXPECT_THAT(data_card(dataset, config), ::testing::Not(HasSubstr("path: test.jsonl")));
  EXPECT_EQ(dataset_info(dataset, config).size(), 1U);
}

TEST(Dataset, CountsUtterancesThatStandInTrainToo) {
  const testing::TemporaryFolder folder;
  testing::write_text(folder / "sessions.jsonl", session_line("a", "c1") + session_line("b", "c2"));
  DatasetConfig config;
  config.split.by = "list";
  config.split.test_clients = {"c2"};
  const Dataset dataset = build_dataset({folder / "sessions.jsonl"}, config);
  EXPECT_DOUBLE_EQ(dataset.report.splits[2].seen_in_train, 1.0 / 3) << "only: Tell me more.";
  EXPECT_EQ(dataset.report.splits[0].seen_in_train, 0);
}

TEST(Dataset, CountsASecondIdWithOtherTextAsBad) {
  const testing::TemporaryFolder folder;
  testing::write_text(folder / "a.jsonl", session_line("a", "c") + session_line("b", "c"));
  testing::write_text(
      folder / "b.jsonl",
      session_line("a", "c") + replace_all(session_line("b", "c"), "I am", "We are"));
  const Dataset dataset = build_dataset({folder / "a.jsonl", folder / "b.jsonl"}, {});
  EXPECT_EQ(dataset.report.dropped_by_filter.at("duplicate"), 1);
  ASSERT_EQ(dataset.report.bad.size(), 1U);
  EXPECT_THAT(dataset.report.bad[0].reason, HasSubstr("id: found 'b' a second time"));
}

struct Hostile {
  const char* name;
  std::string content;
  const char* set;
  const char* message;
};

TEST(Dataset, RefusesHostileInputWithOneSentence) {
  const std::string good = session_line("a", "c");
  const Hostile table[] = {
      {"empty file", "", "", "x.jsonl: found no readable record"},
      {"blank lines", "\n\n \n", "format=sqpsych", "found no record"},
      {"bad UTF-8", "{\"schema\":\"\xFF\"}\n", "format=sqpsych", "not UTF-8"},
      {"truncated", good.substr(0, 60), "format=sqpsych", "not valid JSON"},
      {"wrong schema", R"({"schema":"sqpsych.session/9","id":"a"})", "format=sqpsych",
       "sqpsych.session/1"},
      {"wrong type", R"({"conversations":{}})", "format=sharegpt",
       "conversations: found an object, expected a list"},
      {"unknown role", R"({"messages":[{"role":"tool","content":"x"}]})", "", "role: found 'tool'"},
      {"no assistant",
       R"({"messages":[{"role":"user","content":"x"},{"role":"user","content":"y"}]})", "",
       "dropped by 'no_reply'"},
      {"Parquet", "PAR1abc", "", "found a Parquet file"},
      {"unknown shape", R"({"a":1})", "", "records with the keys 'a'"},
      {"number only", "7\n", "", "expected one of the formats"},
      {"meta", good, "meta=[\"mood\"]", "meta: found 'mood', expected one of"},
      {"all filtered", good, "filters.min_turns=99", "dropped by 'few_turns': 3 utterances"},
      {"bad setting", good, "rows=paragraph", "rows: found 'paragraph'"},
      {"bad shares", good, "split.test=0.95", "validation + test"},
      {"unknown setting", good, "split.sed=1", "seed"},
  };
  for (const auto& hostile : table) {
    const testing::TemporaryFolder folder;
    testing::write_text(folder / "x.jsonl", hostile.content);
    std::vector<std::string> sets;
    if (*hostile.set != '\0') sets.push_back(hostile.set);
    const auto error = testing::error_text(
        [&] { build_dataset({folder / "x.jsonl"}, load_config<DatasetConfig>({}, sets)); });
    EXPECT_THAT(error, HasSubstr(hostile.message)) << hostile.name;
    EXPECT_EQ(error.find('\n'), std::string::npos) << hostile.name;
  }
  EXPECT_THROW(build_dataset({"/nowhere/x.jsonl"}, {}), ResourceError);
}

TEST(Dataset, ShippedConfigsAreValid) {
  int count = 0;
  const std::filesystem::path folder = testing::source_path("configs") / "dataset";
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".json") continue;
    EXPECT_NO_THROW(load_config<DatasetConfig>(entry.path(), {})) << entry.path();
    EXPECT_THAT(read_file(entry.path()), HasSubstr("sqpsych dataset ")) << entry.path();
    ++count;
  }
  EXPECT_GE(count, 8);
}

}  // namespace
}  // namespace sqpsych
