#include <algorithm>

#include "core/error.h"
#include "core/files.h"
#include "core/text.h"
#include "data/answers/readstat_table.h"

// SAS transport files (versions 5 and 8) are 80-byte records. They have no row count, and ReadStat
// takes a cut file as complete; so the layout is checked here: SAS technical note TS-140.
namespace sqpsych {
namespace {

constexpr std::uint64_t kRecordBytes = 80;
constexpr std::string_view kLibraryHeaders[] = {"HEADER RECORD*******LIBRARY HEADER",
                                                "HEADER RECORD*******LIBV8   HEADER"};
constexpr std::string_view kMemberHeaders[] = {"HEADER RECORD*******MEMBER  HEADER",
                                               "HEADER RECORD*******MEMBV8  HEADER"};
constexpr std::string_view kDataHeaders[] = {"HEADER RECORD*******OBS     HEADER",
                                             "HEADER RECORD*******OBSV8   HEADER"};

template <std::size_t N>
bool starts_with_any(std::string_view text, const std::string_view (&headers)[N]) {
  return std::any_of(std::begin(headers), std::end(headers),
                     [&](std::string_view header) { return text.starts_with(header); });
}

bool recognises_xport(std::string_view head) { return starts_with_any(head, kLibraryHeaders); }

std::optional<DateFormat> sas_date_format(const std::string& name) {
  for (const auto* with_time : {"DATETIME", "E8601DT", "IS8601DT", "B8601DT"})
    if (name.starts_with(with_time)) return DateFormat{1, kSasEpochDays, true};
  for (const auto* date : {"DATE", "MMDDYY", "DDMMYY", "YYMMDD", "E8601DA", "IS8601DA", "WORDDATE",
                           "WEEKDATE", "MONYY"})
    if (name.starts_with(date)) return DateFormat{86400, kSasEpochDays, false};
  return std::nullopt;
}

[[noreturn]] void refuse(const std::filesystem::path& file, const std::string& what) {
  throw FormatError(format("answers: '{}': {}", file.string(), what));
}

/// The bytes behind the data header; the file must hold exactly one data set.
std::string_view data_of(std::string_view bytes, const std::filesystem::path& file) {
  if (bytes.size() % kRecordBytes != 0)
    refuse(file,
           format("found {} bytes, expected whole records of 80 bytes. Is the file truncated?",
                  bytes.size()));
  std::uint64_t data_start = 0;
  int members = 0;
  for (std::uint64_t at = 0; at < bytes.size(); at += kRecordBytes) {
    const auto record = bytes.substr(at, kRecordBytes);
    members += starts_with_any(record, kMemberHeaders);
    if (data_start == 0 && starts_with_any(record, kDataHeaders)) data_start = at + kRecordBytes;
  }
  if (data_start == 0) refuse(file, "found no data header, expected one. Is the file truncated?");
  if (members != 1)
    refuse(file,
           format("found {} data sets, expected one. Export each to a file of its own", members));
  return bytes.substr(data_start);
}

/// What is left behind the last whole row may only be the blanks that fill the last record.
void refuse_cut_row(std::string_view data, std::size_t row_bytes, const ReadStatResult& result,
                    const std::filesystem::path& file) {
  const std::size_t whole_rows = row_bytes == 0 ? 0 : data.size() / row_bytes;
  const auto rest = data.substr(whole_rows * row_bytes);
  const bool blank = rest.find_first_not_of(' ') == std::string_view::npos;
  if (row_bytes == 0 || !blank || rest.size() >= kRecordBytes)
    refuse(file,
           format("found {} bytes behind the last of {} rows of {} bytes, expected blanks. Is "
                  "the file truncated?",
                  rest.size(), whole_rows, row_bytes));
  std::size_t filled_rows = whole_rows;
  while (filled_rows > 0 &&
         data.substr((filled_rows - 1) * row_bytes, row_bytes).find_first_not_of(' ') ==
             std::string_view::npos)
    --filled_rows;
  if (result.table.rows.size() < filled_rows)
    refuse(file,
           format("found {} readable rows, expected {}", result.table.rows.size(), filled_rows));
}

AnswerTable read_xport(const std::filesystem::path& file, const AnswerFileConfig& config) {
  const MappedFile mapped(file);
  const auto data = data_of(mapped.text(), file);
  const ReadStatFormat layout{"SAS transport", readstat_parse_xport, sas_date_format};
  ReadStatResult result = read_with_readstat(layout, file, config);
  refuse_cut_row(data, result.row_bytes, result, file);
  return std::move(result.table);
}

}  // namespace

extern const AnswerReader kSasXportReader = {
    "SAS transport", {"xpt", "xport"}, recognises_xport, read_xport};

}  // namespace sqpsych
