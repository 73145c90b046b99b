#include "core/json_lines.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/files.h"
#include "tests/support/error_text.h"
#include "tests/support/temporary_folder.h"

namespace sqpsych {
namespace {

using testing::error_text;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::TemporaryFolder;
using testing::write_text;

TEST(JsonLines, HostileTextIsOneSentence) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {R"({"a": 1, "a": 2})", "key 'a' appears twice"},
      {R"({"a": {"b": 1, "b": 2}})", "key 'b' appears twice"},
      {"{\"a\": \"\xFF\"}", "not UTF-8 at offset 7"},
      {R"({"a": )", "not valid JSON"},
      {R"({"a": 1} x)", "not valid JSON"},
      {"", "not valid JSON"},
      {std::string(5000, '['), "nested deeper"},
  };
  for (const auto& [text, expected] : cases) {
    const std::string message = error_text([&] { parse_json(text, "rows.jsonl:3"); });
    EXPECT_THAT(message, HasSubstr("rows.jsonl:3: ")) << text.substr(0, 20);
    EXPECT_THAT(message, HasSubstr(expected)) << text.substr(0, 20);
  }
}

TEST(JsonLines, MessagesDoNotRepeatTheContent) {
  for (const char* text : {R"({"text": "my sister An)", R"({"text": my sister Anna})"}) {
    const std::string message = error_text([&] { parse_json(text, "sessions.jsonl:3"); });
    EXPECT_THAT(message, HasSubstr("not valid JSON: line 1, column"));
    EXPECT_THAT(message, Not(HasSubstr("sister"))) << text;
  }
}

TEST(JsonLines, EqualKeysInDifferentObjectsAreFine) {
  EXPECT_NO_THROW(parse_json(R"({"a": {"b": 1}, "c": [{"b": 2}, {"b": 3}]})", "x"));
}

TEST(JsonLines, CommentsAreForConfigsOnly) {
  EXPECT_NO_THROW(parse_json("// why\n{\"a\": 1 /* so */}", "x", true));
  EXPECT_THROW(parse_json("// why\n{\"a\": 1}", "x"), FormatError);
}

TEST(JsonLines, ReadsLinesAndNamesTheBadOne) {
  const TemporaryFolder folder;
  write_text(folder / "rows", "\xEF\xBB\xBF{\"n\": 1}\r\n\n{\"n\": 3}\n{broken\n");
  std::vector<std::int64_t> numbers;
  const std::string message = error_text([&] {
    for_each_line(folder / "rows", [&](Json record, std::int64_t line) {
      EXPECT_EQ(record["n"], line);
      numbers.push_back(line);
    });
  });
  EXPECT_EQ(numbers, (std::vector<std::int64_t>{1, 3}));
  EXPECT_THAT(message, HasSubstr("rows:4: not valid JSON"));
}

TEST(JsonLines, HalfWrittenLastLineIsDropped) {
  const TemporaryFolder folder;
  { JsonLinesAppender(folder / "journal").append({{"a", 1}}); }
  const auto whole = read_file(folder / "journal");
  write_text(folder / "journal", whole + "{\"a\": 2");
  EXPECT_EQ(drop_half_line(folder / "journal"), 7u);
  EXPECT_EQ(read_file(folder / "journal"), whole);
  EXPECT_EQ(drop_half_line(folder / "journal"), 0u);
  EXPECT_EQ(drop_half_line(folder / "absent"), 0u);
  { JsonLinesAppender(folder / "journal").append({{"a", 2}}); }
  EXPECT_EQ(read_json_lines(folder / "journal").size(), 2u);
}

TEST(JsonLines, NeededKeysAreNamedWithTheirTypes) {
  const Json record = {{"schema", "sqpsych.session/2"}, {"turns", "many"}};
  EXPECT_THAT(error_text([&] { need_integer(record, "turns", "s.jsonl:9"); }),
              HasSubstr("s.jsonl:9: key 'turns': found string"));
  EXPECT_THAT(error_text([&] { need_string(record, "id", "s.jsonl:9"); }),
              HasSubstr("key 'id' is missing"));
  EXPECT_THAT(error_text([&] { need_schema(record, "sqpsych.session/1", "s.jsonl:9"); }),
              HasSubstr("found 'sqpsych.session/2', expected 'sqpsych.session/1'"));
}

}  // namespace
}  // namespace sqpsych
