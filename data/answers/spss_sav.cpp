#include "data/answers/readstat_table.h"

namespace sqpsych {
namespace {

bool recognises_sav(std::string_view head) {
  return head.starts_with("$FL2") || head.starts_with("$FL3");
}

/// SPSS counts seconds since 1582-10-14 in all of its date formats.
std::optional<DateFormat> spss_date_format(const std::string& name) {
  if (name.starts_with("DATETIME") || name.starts_with("YMDHMS"))
    return DateFormat{1, kSpssEpochDays, true};
  for (const auto* date : {"DATE", "ADATE", "EDATE", "SDATE", "JDATE", "MOYR", "QYR", "WKYR"})
    if (name.starts_with(date)) return DateFormat{1, kSpssEpochDays, false};
  return std::nullopt;
}

AnswerTable read_sav(const std::filesystem::path& file, const AnswerFileConfig& config) {
  const ReadStatFormat layout{"SPSS", readstat_parse_sav, spss_date_format};
  return std::move(read_with_readstat(layout, file, config).table);
}

}  // namespace

extern const AnswerReader kSpssSavReader = {"SPSS", {"sav", "zsav"}, recognises_sav, read_sav};

}  // namespace sqpsych
