#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace sqpsych {

/// Longest record (all its lines) that is read: beyond it a quote was not closed or the file is
/// not a table.
constexpr std::size_t kLongestRecordBytes = 16u << 20;

struct CsvRecord {
  std::int64_t line = 0;  ///< line of the file on which the record starts, from 1
  std::int64_t row = 0;   ///< as a spreadsheet counts: line breaks in quotes make no row, blanks do
  std::vector<std::string> fields;
};

/// Splits UTF-8 text into records (RFC 4180: quotes double inside quotes, line breaks inside
/// quotes stay; LF, CRLF and CR end a record). Lines without any character are left out.
/// Stops after `limit` records when it is not 0. FormatError for a quote that is never closed and
/// for a record that is too long.
std::vector<CsvRecord> split_csv(std::string_view text, char delimiter, std::size_t limit,
                                 const std::filesystem::path& file);

}  // namespace sqpsych
