#include "core/error.h"
#include "core/files.h"
#include "core/text.h"
#include "data/answers/readstat_table.h"

namespace sqpsych {
namespace {

constexpr std::string_view kTaggedStart = "<stata_dta>";  // format 117 and later
constexpr std::string_view kTaggedEnd = "</stata_dta>";
constexpr unsigned char kOldestFormat = 104;
constexpr unsigned char kFirstCheckedFormat = 111;
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

[[noreturn]] void refuse_cut(const std::filesystem::path& file, const std::string& what) {
  throw FormatError(format("answers: '{}': {}. Is the file truncated?", file.string(), what));
}

/// Walks an untagged file, formats 111 to 115 (Stata manual, "help dta"): fixed header, five lists
/// of `columns` entries, expansion fields, rows, value label tables. ReadStat takes a file that
/// ends inside the tables as complete.
class UntaggedLayout {
 public:
  UntaggedLayout(std::string_view bytes, const std::filesystem::path& file)
      : bytes_(bytes), file_(file), is_little_(bytes[1] == 2) {}

  /// Bytes behind the last whole value label table; 0 in a sound file.
  std::size_t excess(const ReadStatResult& result) {
    const std::size_t columns = result.table.columns.size();
    const std::size_t format_width = version() >= 114 ? 49 : 12;
    std::size_t at = kTypesStart + columns * (1 + 33 + format_width + 33 + 81) + 2 * (columns + 1);
    at = behind_expansion_fields(at) + result.table.rows.size() * row_bytes(columns);
    while (at + kTableHeaderBytes <= bytes_.size()) {
      const std::size_t end = at + kTableHeaderBytes + integer(at);
      if (end > bytes_.size()) break;
      at = end;
    }
    return at > bytes_.size() ? bytes_.size() : bytes_.size() - at;
  }

 private:
  static constexpr std::size_t kTypesStart = 4 + 2 + 4 + 81 + 18;
  static constexpr std::size_t kTableHeaderBytes = 4 + 33 + 3;

  unsigned version() const { return static_cast<unsigned char>(bytes_[0]); }

  /// Type codes up to 244 are the lengths of texts; 251 to 255 byte, int, long, float, double.
  std::size_t row_bytes(std::size_t columns) const {
    constexpr std::size_t kNumberBytes[] = {1, 2, 4, 4, 8};
    std::size_t bytes = 0;
    for (const char type : bytes_.substr(kTypesStart, columns)) {
      const auto code = static_cast<unsigned char>(type);
      bytes += code >= 251 ? kNumberBytes[code - 251] : code;
    }
    return bytes;
  }

  std::size_t integer(std::size_t at) const {
    if (at + 4 > bytes_.size()) refuse_cut(file_, "found an end inside the header");
    std::size_t value = 0;
    for (std::size_t i = 0; i < 4; ++i)
      value = value << 8 | static_cast<unsigned char>(bytes_[at + (is_little_ ? 3 - i : i)]);
    return value;
  }

  std::size_t behind_expansion_fields(std::size_t at) const {
    while (true) {
      const std::size_t length = integer(at + 1);
      const bool is_last = bytes_[at] == 0 && length == 0;
      at += 5 + length;
      if (is_last) return at;
    }
  }

  std::string_view bytes_;
  const std::filesystem::path& file_;
  bool is_little_;
};

AnswerTable read_dta(const std::filesystem::path& file, const AnswerFileConfig& config) {
  const MappedFile mapped(file);
  const auto bytes = mapped.text();
  const bool is_tagged = bytes.starts_with(kTaggedStart);
  if (is_tagged && !bytes.ends_with(kTaggedEnd))
    refuse_cut(file, format("found no {} at the end, expected it", kTaggedEnd));
  const ReadStatFormat layout{"Stata", readstat_parse_dta, stata_date_format};
  ReadStatResult result = read_with_readstat(layout, file, config);
  if (!is_tagged && static_cast<unsigned char>(bytes[0]) >= kFirstCheckedFormat) {
    const std::size_t excess = UntaggedLayout(bytes, file).excess(result);
    if (excess > 0)
      refuse_cut(file, format("found {} bytes of an incomplete value label table", excess));
  }
  return std::move(result.table);
}

}  // namespace

extern const AnswerReader kStataDtaReader = {"Stata", {"dta"}, recognises_dta, read_dta};

}  // namespace sqpsych
