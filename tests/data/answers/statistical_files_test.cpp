#include <gtest/gtest.h>

#include "core/error.h"
#include "core/files.h"
#include "data/answers/answer_reader.h"
#include "tests/data/answers/statistical_file.h"
#include "tests/support/shared_data.h"
#include "tests/support/temporary_folder.h"

namespace sqpsych {
namespace {

using testing::StatFile;
using testing::TemporaryFolder;
using testing::write_stat_file;

constexpr auto kMissing = AnswerCell::Kind::kMissing;

const AnswerCell& at(const AnswerTable& table, std::size_t row, const std::string& column) {
  return table.rows.at(row).cells.at(table.find_column(column).value());
}

/// Three persons; 7 and 9 are declared missing in SPSS, tagged missing in Stata.
StatFile spss_answers() {
  return {{{.name = "id", .type = READSTAT_TYPE_STRING, .width = 12},
           {.name = "item1",
            .label = "Little interest",
            .value_labels = {{0, "not at all"}, {7, "refused"}},
            .missing_values = {7, 9}},
           {.name = "gender", .value_labels = {{1, "männlich"}, {2, "weiblich"}}},
           {.name = "visit", .format = "DATE11"}},
          {{std::string("a-1"), 2.0, 1.0, 13802400000.0},
           {std::string("b-2"), 7.0, 2.0, 13802400000.0 + 86400.0},
           {std::string("c-3"), 9.0, std::monostate(), std::monostate()}}};
}

StatFile stata_answers() {
  return {{{.name = "id", .type = READSTAT_TYPE_STRING, .width = 12},
           {.name = "item1",
            .type = READSTAT_TYPE_INT32,
            .value_labels = {{0, "not at all"}, {3, "nearly every day"}}},
           {.name = "visit", .format = "%td"}},
          {{std::string("größe"), 3.0, 21975.0}, {std::string("b"), 'a', std::monostate()}}};
}

StatFile sas_answers() {
  return {{{.name = "ID", .type = READSTAT_TYPE_STRING, .width = 5},
           {.name = "ITEM1"},
           {.name = "VISIT", .format = "DATE9"}},
          {{std::string("a"), 2.0, 21975.0},
           {std::string("b"), 'R', std::monostate()},
           {std::string("c"), std::monostate(), 0.0}}};
}

TEST(SpssFile, HonoursLabelsUserMissingAndDates) {
  TemporaryFolder folder;
  for (const auto compression : {READSTAT_COMPRESS_NONE, READSTAT_COMPRESS_ROWS}) {
    StatFile file = spss_answers();
    file.compression = compression;
    write_stat_file(folder / "a.sav", file);
    const AnswerTable table = read_answers(folder / "a.sav", {});
    ASSERT_EQ(table.rows.size(), 3u);
    EXPECT_EQ(at(table, 0, "id").to_text(), "a-1");
    EXPECT_EQ(at(table, 0, "item1").to_number(), 2.0);
    EXPECT_EQ(at(table, 1, "item1").kind, kMissing);
    EXPECT_EQ(at(table, 1, "item1").text, "refused");
    EXPECT_EQ(at(table, 2, "item1").text, "9");
    EXPECT_EQ(at(table, 2, "gender").kind, kMissing);
    EXPECT_EQ(at(table, 2, "gender").text, "");
    EXPECT_EQ(table.columns[1].label, "Little interest");
    EXPECT_EQ(table.columns[2].value_labels.at("1"), "männlich");
    EXPECT_EQ(at(table, 0, "visit").to_text(), "2020-03-01");
    EXPECT_EQ(at(table, 1, "visit").to_text(), "2020-03-02");
  }
}

TEST(StataFile, HonoursTaggedMissingAndDatesInOldAndNewFormats) {
  TemporaryFolder folder;
  for (const int version : {114, 117, 118}) {
    StatFile file = stata_answers();
    file.version = version;
    write_stat_file(folder / "a.dta", file);
    const AnswerTable table = read_answers(folder / "a.dta", {});
    ASSERT_EQ(table.rows.size(), 2u) << version;
    EXPECT_EQ(at(table, 0, "item1").to_number(), 3.0);
    EXPECT_EQ(at(table, 1, "item1").kind, kMissing);
    EXPECT_EQ(at(table, 1, "item1").text, ".a");
    EXPECT_EQ(at(table, 0, "visit").to_text(), "2020-03-01");
    EXPECT_EQ(table.columns[1].value_labels.at("3"), "nearly every day");
    if (version == 118) {
      EXPECT_EQ(at(table, 0, "id").to_text(), "größe");
    }
  }
}

TEST(SasTransport, HonoursMissingTagsAndDates) {
  TemporaryFolder folder;
  for (const int version : {5, 8}) {
    StatFile file = sas_answers();
    file.version = version;
    write_stat_file(folder / "a.xpt", file);
    const AnswerTable table = read_answers(folder / "a.xpt", {});
    ASSERT_EQ(table.rows.size(), 3u) << version;
    EXPECT_EQ(at(table, 0, "ITEM1").to_number(), 2.0);
    EXPECT_EQ(at(table, 1, "ITEM1").text, ".R");
    EXPECT_EQ(at(table, 2, "ITEM1").text, "");
    EXPECT_EQ(at(table, 0, "VISIT").to_text(), "2020-03-01");
    EXPECT_EQ(at(table, 2, "VISIT").to_text(), "1960-01-01");
  }
}

TEST(StatisticalFile, IsFoundByContentWhateverItsName) {
  TemporaryFolder folder;
  write_stat_file(folder / "a.sav", spss_answers());
  std::filesystem::rename(folder / "a.sav", folder / "answers.csv");
  EXPECT_EQ(read_answers(folder / "answers.csv", {}).rows.size(), 3u);
}

TEST(StatisticalFile, DeclaredEncodingIsUsedWhenTheFileHasNone) {
  TemporaryFolder folder;
  StatFile file = sas_answers();
  file.rows[0][0] = std::string("M\xFCl");
  write_stat_file(folder / "a.xpt", file);
  EXPECT_THROW(read_answers(folder / "a.xpt", {}), FormatError);
  AnswerFileConfig config;
  config.encoding = "windows-1252";
  EXPECT_EQ(at(read_answers(folder / "a.xpt", config), 0, "ID").to_text(), "Mül");
}

/// Every proper prefix of a sound file is refused; none is taken as a smaller file.
void expect_prefixes_refused(const TemporaryFolder& folder, const std::string& name,
                             const StatFile& file) {
  write_stat_file(folder / name, file);
  const std::string bytes = read_file(folder / name);
  ASSERT_EQ(read_answers(folder / name, {}).rows.size(), file.rows.size());
  for (std::size_t size = 0; size < bytes.size(); size += 1 + bytes.size() / 97) {
    testing::write_text(folder / ("cut_" + name), bytes.substr(0, size));
    EXPECT_THROW(read_answers(folder / ("cut_" + name), {}), FormatError) << name << " " << size;
  }
  testing::write_text(folder / ("cut_" + name), bytes.substr(0, bytes.size() - 1));
  EXPECT_THROW(read_answers(folder / ("cut_" + name), {}), FormatError) << name;
}

TEST(StatisticalFile, TruncatedAnywhereIsRefused) {
  TemporaryFolder folder;
  StatFile spss = spss_answers();
  StatFile stata = stata_answers();
  StatFile sas = sas_answers();
  for (int i = 0; i < 40; ++i) {
    spss.rows.push_back(spss.rows[0]);
    stata.rows.push_back(stata.rows[0]);
    sas.rows.push_back(sas.rows[0]);
  }
  expect_prefixes_refused(folder, "plain.sav", spss);
  spss.compression = READSTAT_COMPRESS_ROWS;
  expect_prefixes_refused(folder, "rows.sav", spss);
  for (const int version : {114, 118}) {
    stata.version = version;
    expect_prefixes_refused(folder, "a.dta", stata);
  }
  expect_prefixes_refused(folder, "a.xpt", sas);
}

TEST(StatisticalFile, DamagedBytesNeverCrash) {
  TemporaryFolder folder;
  int refused = 0;
  for (const std::string name : {"a.sav", "a.dta", "a.xpt"}) {
    write_stat_file(folder / name, name == "a.sav"   ? spss_answers()
                                   : name == "a.dta" ? stata_answers()
                                                     : sas_answers());
    const std::string bytes = read_file(folder / name);
    for (std::size_t i = 0; i < 120; ++i) {
      std::string damaged = bytes;
      damaged[i * 7919 % bytes.size()] = static_cast<char>(0xFF);
      testing::write_text(folder / ("damaged_" + name), damaged);
      try {
        read_answers(folder / ("damaged_" + name), {});
      } catch (const FormatError&) {
        ++refused;
      }
    }
  }
  EXPECT_GT(refused, 20);
}

TEST(SasTransport, RealFileCutAtARecordBorderIsRefused) {
  SQPSYCH_NEED_SHARED(file, "data/nhanes-phq9/P_DPQ.xpt");
  EXPECT_EQ(read_answers(file, {}).rows.size(), 8965u);
  TemporaryFolder folder;
  const std::string bytes = read_file(file);
  for (const std::size_t cut : {80u, 800u, 79u}) {
    testing::write_text(folder / "cut.xpt", bytes.substr(0, bytes.size() - cut));
    EXPECT_THROW(read_answers(folder / "cut.xpt", {}), FormatError) << cut;
  }
}

}  // namespace
}  // namespace sqpsych
