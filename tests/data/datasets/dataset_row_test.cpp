#include "data/datasets/dataset_row.h"

#include <gmock/gmock.h>

#include "core/error.h"
#include "core/json_lines.h"
#include "tests/support/error_text.h"
#include "tests/support/temporary_folder.h"

namespace sqpsych {
namespace {

using testing::error_text;
using ::testing::HasSubstr;

DatasetRow read(const std::string& json) {
  return dataset_row_from_json(parse_json(json, "rows.jsonl:7"), "/tmp/x/rows.jsonl:7");
}

TEST(DatasetRow, SurvivesWritingAndReading) {
  for (
      const std::string json :
      {R"({"messages":[{"role":"user","content":"Hi","weight":0},{"role":"assistant","content":"Hello","weight":1}],"id":"a","client_id":"c","meta":{"turn":3}})",
       R"({"prompt":"Client: Hi\nTherapist:","completion":" Hello","id":"a","client_id":"c","meta":{}})"})
    EXPECT_EQ(to_json(read(json)).dump(), json);
}

TEST(DatasetRow, NamesRowsOfOtherMakersByTheirLine) {
  const DatasetRow row = read(R"({"messages":[{"role":"assistant","content":"Hello"}]})");
  EXPECT_EQ(row.id, "rows.jsonl:7");
  EXPECT_EQ(row.client_id, "rows.jsonl:7");
  EXPECT_FALSE(row.is_raw());
}

TEST(DatasetRow, TrainsOnlyTheCompletionOfChatPairs) {
  const DatasetRow row = read(
      R"({"prompt":[{"role":"user","content":"a"},{"role":"assistant","content":"b"},{"role":"user","content":"c"}],
          "completion":[{"role":"assistant","content":"d"}]})");
  ASSERT_EQ(row.messages.size(), 4U);
  EXPECT_EQ(row.messages[1].weight, 0);
  EXPECT_EQ(row.messages[3].weight, 1);
}

TEST(DatasetRow, ReadsTheFlagsOfOtherTrainers) {
  const DatasetRow row = read(
      R"({"messages":[{"role":"assistant","content":"a","train":false},{"role":"assistant","content":[{"type":"text","text":"b"},{"type":"text","text":"c"}],"masked":false}]})");
  EXPECT_EQ(row.messages[0].weight, 0);
  EXPECT_EQ(row.messages[1].weight, 1);
  EXPECT_EQ(row.messages[1].content, "bc");
}

TEST(DatasetRow, NamesWhatIsWrong) {
  const std::pair<const char*, const char*> table[] = {
      {R"([])", "found a list, expected an object"},
      {R"({"text":"x"})", "found neither 'messages' nor 'prompt' and 'completion'"},
      {R"({"messages":[]})", "messages: found an empty list"},
      {R"({"messages":"x"})", "messages: found a text, expected a list"},
      {R"({"messages":[{"role":"tool","content":"x"}]})",
       "messages[0]: role: found 'tool', expected one of"},
      {R"({"messages":[{"role":"user"}]})", "messages[0]: content: found nothing"},
      {R"({"messages":[{"role":"user","content":3}]})",
       "content: found the number 3, expected a text"},
      {R"({"messages":[{"role":"user","content":[{"type":"image_url"}]}]})",
       "content[0]: type: found 'image_url'"},
      {R"({"messages":[{"role":"assistant","content":"x","weight":0.5}]})",
       "weight: found 0.5, expected 0 or 1"},
      {R"({"prompt":"x"})", "completion: found nothing"},
      {R"({"prompt":"","completion":""})", "found an empty prompt and completion"},
      {R"({"prompt":"x","completion":"y","meta":[1]})", "meta: found a list, expected an object"},
      {R"({"prompt":"x","completion":"y","id":5})", "id: found the number 5, expected a text"},
  };
  for (const auto& [json, message] : table) {
    const auto error = error_text<FormatError>([&] { read(json); });
    EXPECT_THAT(error, HasSubstr(message)) << json;
    EXPECT_THAT(error, HasSubstr("rows.jsonl:7: ")) << json;
  }
}

TEST(DatasetRow, ReadsJsonLinesAndArrays) {
  const testing::TemporaryFolder folder;
  const std::string row = R"({"prompt":"a","completion":"b"})";
  testing::write_text(folder / "rows.jsonl", "\xEF\xBB\xBF" + row + "\n\n" + row + "\n");
  testing::write_text(folder / "rows.json", "[\n " + row + ",\n " + row + "]\n");
  EXPECT_EQ(read_dataset_rows(folder / "rows.jsonl")[1].id, "rows.jsonl:3");
  EXPECT_EQ(read_dataset_rows(folder / "rows.json")[1].id, "rows.json[1]");
}

TEST(DatasetRow, RefusesHostileFiles) {
  const testing::TemporaryFolder folder;
  const std::pair<const char*, std::string> table[] = {
      {"rows.jsonl:2: not valid JSON", R"({"prompt":"a","completion":"b"})"
                                       "\n"
                                       R"({"prompt":"a","compl)"},
      {"rows.jsonl:1: found bytes that are not UTF-8",
       "{\"prompt\":\"\xFF\",\"completion\":\"b\"}\n"},
      {"rows.jsonl:1: key 'prompt' appears twice",
       R"({"prompt":"a","prompt":"b","completion":"c"})"},
      {"rows.jsonl: found a Parquet file", "PAR1...."},
      {"rows.jsonl: found a compressed file", "\x1F\x8B\x08"},
      {"rows.jsonl:1: not valid JSON: line 1, column 1", "hello world\n"},
  };
  for (const auto& [expected, content] : table) {
    testing::write_text(folder / "rows.jsonl", content);
    EXPECT_THAT(error_text<FormatError>([&] { read_dataset_rows(folder / "rows.jsonl"); }),
                HasSubstr(expected));
  }
  testing::write_text(folder / "rows.jsonl", "");
  EXPECT_TRUE(read_dataset_rows(folder / "rows.jsonl").empty());
  EXPECT_THROW(read_dataset_rows(folder / "absent.jsonl"), ResourceError);
}

}  // namespace
}  // namespace sqpsych
