#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "data/answers/answer_reader.h"
#include "tests/support/error_text.h"
#include "tests/support/temporary_folder.h"

namespace sqpsych {
namespace {

using testing::error_text;
using ::testing::HasSubstr;
using testing::TemporaryFolder;
using testing::write_text;

AnswerTable read_text(const std::string& bytes, const AnswerFileConfig& config = {}) {
  TemporaryFolder folder;
  write_text(folder / "answers.csv", bytes);
  return read_answers(folder / "answers.csv", config);
}

std::string error_of(const std::string& bytes, const AnswerFileConfig& config = {}) {
  return error_text([&] { read_text(bytes, config); });
}

std::string utf16(const std::string& ascii, bool big) {
  std::string bytes = big ? "\xFE\xFF" : "\xFF\xFE";
  for (const char c : ascii) bytes += big ? std::string{'\0', c} : std::string{c, '\0'};
  return bytes;
}

constexpr std::size_t kLongRow = 17u << 20;

TEST(Csv, EveryEncodingGivesTheSameTable) {
  const std::string utf8 = "name,score\nM\xC3\xBCller,3\n";
  const std::string latin = "name,score\nM\xFCller,3\n";
  for (const auto& bytes : {utf8, "\xEF\xBB\xBF" + utf8, latin}) {
    const AnswerTable table = read_text(bytes);
    EXPECT_EQ(table.column_names(), (std::vector<std::string>{"name", "score"}));
    EXPECT_EQ(table.rows.at(0).cells.at(0).text, "Müller");
    EXPECT_EQ(table.rows.at(0).cells.at(1).number, 3);
    EXPECT_EQ(table.rows.at(0).number, 2);
  }
  EXPECT_THAT(read_text(utf8).description, HasSubstr("encoding UTF-8,"));
  EXPECT_THAT(read_text(latin).description, HasSubstr("Windows-1252"));
  for (const bool big : {false, true}) {
    const AnswerTable table = read_text(utf16("a;b\r\n1;2\r\n", big));
    EXPECT_THAT(table.description, HasSubstr(big ? "UTF-16BE" : "UTF-16LE"));
    EXPECT_EQ(table.rows.at(0).cells.at(1).number, 2);
  }
}

TEST(Csv, DeclaredEncodingWins) {
  AnswerFileConfig config;
  config.encoding = "iso-8859-15";
  EXPECT_EQ(read_text("a\n\xA4\n", config).rows.at(0).cells.at(0).text, "€");
}

TEST(Csv, DetectsDelimiterAndDecimal) {
  struct Case {
    std::string text;
    std::string description;
  };
  const Case cases[] = {
      {"id,x\n1,2.5\n2,3.5\n", "delimiter ',', decimal '.'"},
      {"id;x\n1;2,5\n2;3,25\n", "delimiter ';', decimal ','"},
      {"id\tx\n1\t2,5\n2\t3\n", "delimiter tab, decimal ','"},
      {"id|x\n1|2.5\n2|3\n", "delimiter '|', decimal '.'"},
      {"sep=;\r\nid;a,b\r\n1;2\r\n", "delimiter ';', decimal '.'"},
      {"only\n1\n2\n", "delimiter ',', decimal '.'"},
  };
  for (const auto& [text, description] : cases)
    EXPECT_THAT(read_text(text).description, HasSubstr(description)) << text;
}

TEST(Csv, ReadsDecimalCommas) {
  const AnswerTable table = read_text("id;x\n1;2,5\n2;-3,25\n3;0,5\n4;1.000\n");
  EXPECT_EQ(table.rows.at(0).cells.at(1).to_number(), 2.5);
  EXPECT_EQ(table.rows.at(1).cells.at(1).to_text(), "-3.25");
  EXPECT_EQ(table.rows.at(2).cells.at(1).to_number(), 0.5);
  EXPECT_EQ(table.rows.at(3).cells.at(1).to_number(), std::nullopt);
}

TEST(Csv, IdentifiersKeepTheirText) {
  const AnswerTable table = read_text("a,b,c,d,e\n007,1E5,12345678901234567890,1.50,+4\n");
  const auto& cells = table.rows.at(0).cells;
  EXPECT_EQ(cells[0].to_text(), "007");
  EXPECT_EQ(cells[0].to_number(), 7.0);
  EXPECT_EQ(cells[1].to_text(), "1E5");
  EXPECT_EQ(cells[1].to_number(), std::nullopt);
  EXPECT_EQ(cells[2].to_text(), "12345678901234567890");
  EXPECT_EQ(cells[3].to_text(), "1.50");
  EXPECT_EQ(cells[3].to_number(), 1.5);
  EXPECT_EQ(cells[4].to_text(), "+4");
}

TEST(AnswerTable, NumbersKeepEveryDigitOfAnIdentifier) {
  EXPECT_EQ(number_text(1234567890123456), "1234567890123456");
  EXPECT_EQ(number_text(1234567890123457), "1234567890123457");
  EXPECT_EQ(number_text(9007199254740994), "9007199254740994");
  EXPECT_EQ(number_text(-3), "-3");
  EXPECT_EQ(number_text(2.5), "2.5");
}

TEST(Csv, QuotesHoldDelimitersQuotesAndLineBreaks) {
  const AnswerTable table =
      read_text("id,text,x\r\n1,\"a, \"\"b\"\"\r\nc\",5\r\n\r\n2,plain,6\r\n");
  ASSERT_EQ(table.rows.size(), 2u);
  EXPECT_EQ(table.rows[0].cells[1].text, "a, \"b\"\nc");
  EXPECT_EQ(table.rows[1].number, 4);
  EXPECT_EQ(table.rows[1].cells[2].number, 6);
}

TEST(Csv, RowsAreCountedAsASpreadsheetShowsThem) {
  EXPECT_EQ(read_text("id\n1\n2\n").rows[1].number, 3);
  EXPECT_EQ(read_text("id\n1\n\n\n2\n").rows[1].number, 5);
  EXPECT_EQ(read_text("\nid\n1\n").rows[0].number, 3);
  EXPECT_EQ(read_text("id,x\n1,\"a\nb\"\n2,c\n").rows[1].number, 3);
  EXPECT_EQ(read_text("sep=;\r\nid;x\r\n1;2\r\n").rows[0].number, 2);
}

TEST(Csv, RaggedRowsAreFaultsOfTheRow) {
  const AnswerTable table = read_text("a,b,c\n1,2\n1,2,3,4\n1,2,3,,\n1,2,3\n");
  EXPECT_EQ(table.rows.at(0).fault, "found 2 fields, expected 3");
  EXPECT_EQ(table.rows.at(1).fault, "found 4 fields, expected 3");
  EXPECT_EQ(table.rows.at(2).fault, "");
  EXPECT_EQ(table.rows.at(3).fault, "");
}

TEST(Csv, HostileFilesGetOneSentence) {
  using namespace std::string_literals;
  AnswerFileConfig as_utf8;
  as_utf8.encoding = "utf-8";
  EXPECT_THAT(error_of(""), HasSubstr("found an empty file"));
  EXPECT_THAT(error_of("\xEF\xBB\xBF"), HasSubstr("found no text"));
  EXPECT_THAT(error_of("\n\n"), HasSubstr("found no text"));
  EXPECT_THAT(error_of("a,b,c\n"), HasSubstr("found a header line only"));
  EXPECT_THAT(error_of("a,b\n1,\0\n"s), HasSubstr("line 2: found a NUL byte"));
  EXPECT_THAT(error_of("a\0b\0"s), HasSubstr("UTF-16"));
  EXPECT_THAT(error_of("a,b\n1,\"x\n2,3\n"), HasSubstr("line 2: found a quote"));
  EXPECT_THAT(error_of("a\nM\xFCller\n", as_utf8), HasSubstr("line 2, byte 3: found 0xfc"));
  EXPECT_THAT(error_of("a\nM\xC3\xBCller\nZ\xC3\xBCrich\n\xFF\n"),
              HasSubstr("line 4, byte 18: found 0xff"));
  EXPECT_THAT(error_of("a\nx\x81y\n"), HasSubstr("found 0x81"));
  EXPECT_THAT(error_of("a\n\"" + std::string(kLongRow, 'x') + "\"\n"), HasSubstr("a row of over"));
  EXPECT_THAT(error_of("a\n" + std::string(kLongRow, 'x') + "\n"), HasSubstr("a row of over"));
}

TEST(AnswerReader, UnknownKindsNameTheKnownOnes) {
  TemporaryFolder folder;
  write_text(folder / "answers.xlsx", "PK\x03\x04");
  write_text(folder / "answers.sav", "not really");
  const auto error = error_text<FormatError>([&] { read_answers(folder / "answers.xlsx", {}); });
  EXPECT_THAT(error, HasSubstr(".csv"));
  EXPECT_THAT(error, HasSubstr(".sav"));
  EXPECT_THROW(read_answers(folder / "answers.sav", {}), FormatError);
  EXPECT_THROW(read_answers(folder / "absent.csv", {}), ConfigError);
  EXPECT_THROW(read_answers(folder.path(), {}), FormatError);
}

TEST(AnswerReader, EveryReaderHasANameAndExtensions) {
  ASSERT_EQ(answer_readers().size(), 4u);
  for (const auto* reader : answer_readers()) {
    EXPECT_FALSE(reader->name.empty());
    EXPECT_FALSE(reader->extensions.empty());
    EXPECT_FALSE(reader->recognises(""));
  }
}

}  // namespace
}  // namespace sqpsych
