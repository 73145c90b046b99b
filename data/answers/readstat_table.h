#pragma once

#include <readstat.h>

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "data/answers/answer_reader.h"

namespace sqpsych {

/// How numbers of one display format become dates: seconds = number * `seconds_per_unit`, counted
/// from `epoch_days` days after 1970-01-01.
struct DateFormat {
  double seconds_per_unit = 1;
  std::int64_t epoch_days = 0;
  bool has_time = false;
};

/// What the statistical formats have in common: which ReadStat parser, how formats name dates.
struct ReadStatFormat {
  const char* name;
  readstat_error_t (*parse)(readstat_parser_t*, const char* path, void* context);
  std::optional<DateFormat> (*date_format)(const std::string& display_format);
};

/// Days from 1970-01-01 back to the epochs of the statistical programs.
constexpr std::int64_t kSasEpochDays = -3653;     ///< 1960-01-01, also Stata's
constexpr std::int64_t kSpssEpochDays = -141428;  ///< 1582-10-14

struct ReadStatResult {
  AnswerTable table;
  std::int64_t declared_rows = -1;  ///< what the file's header says; -1 when it says nothing
  std::size_t row_bytes = 0;        ///< sum of the columns' widths in the file
};

/// Reads a whole file: value labels, declared missing values (as missing cells with their label or
/// code as reason), dates as ISO text. FormatError when ReadStat refuses the file, when it gives
/// fewer rows than the header declares, or when a text is not valid in the declared encoding.
ReadStatResult read_with_readstat(const ReadStatFormat& format, const std::filesystem::path& file,
                                  const AnswerFileConfig& config);

/// `2020-03-01`, or `2020-03-01 14:05:00` with a time.
std::string iso_date(double number, const DateFormat& format);

}  // namespace sqpsych
