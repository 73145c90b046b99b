#include "core/error.h"
#include "core/files.h"
#include "core/text.h"
#include "data/answers/readstat_table.h"

namespace sqpsych {
namespace {

constexpr std::string_view kTaggedStart = "<stata_dta>";  // format 117 and later
constexpr std::string_view kTaggedEnd = "</stata_dta>";
constexpr unsigned char kOldestFormat = 104;
constexpr unsigned char kNewestUntaggedFormat = 115;

bool recognises_dta(std::string_view head) {
  if (head.starts_with(kTaggedStart)) return true;
  // Format number, byte order (1 or 2), file type 1, a zero.
  if (head.size() < 4) return false;
  const auto version = static_cast<unsigned char>(head[0]);
  return version >= kOldestFormat && version <= kNewestUntaggedFormat &&
         (head[1] == 1 || head[1] == 2) && head[2] == 1 && head[3] == 0;
}

/// %td and %d count days, %tc and %tC milliseconds, both since 1960-01-01. The formats of weeks,
/// months, quarters and years are left as the numbers they are.
std::optional<DateFormat> stata_date_format(const std::string& name) {
  const std::string kind = name.starts_with("%-") ? "%" + name.substr(2) : name;
  if (kind.starts_with("%td") || kind.starts_with("%d"))
    return DateFormat{86400, kSasEpochDays, false};
  if (kind.starts_with("%tc") || kind.starts_with("%tC"))
    return DateFormat{0.001, kSasEpochDays, true};
  return std::nullopt;
}

AnswerTable read_dta(const std::filesystem::path& file, const AnswerFileConfig& config) {
  {
    const MappedFile mapped(file);
    if (mapped.text().starts_with(kTaggedStart) && !mapped.text().ends_with(kTaggedEnd))
      throw FormatError(
          format("answers: '{}': found no {} at the end, expected it. Is the file "
                 "truncated?",
                 file.string(), kTaggedEnd));
  }
  const ReadStatFormat layout{"Stata", readstat_parse_dta, stata_date_format};
  return std::move(read_with_readstat(layout, file, config).table);
}

}  // namespace

extern const AnswerReader kStataDtaReader = {"Stata", {"dta"}, recognises_dta, read_dta};

}  // namespace sqpsych
