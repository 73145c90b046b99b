#include "data/datasets/source_records.h"

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "core/error.h"
#include "core/files.h"
#include "core/json_lines.h"
#include "core/text.h"

namespace sqpsych {

namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr std::size_t kSampleBytes = 4096;

std::string reason_of(const FormatError& error, const std::string& where) {
  const std::string_view text = error.what();
  return std::string(text.starts_with(where + ": ") ? text.substr(where.size() + 2) : text);
}

/// One record of JSON text; returns false when it could not be read.
bool visit_json(std::string_view text, const std::string& where, const VisitRecord& visit,
                const VisitBadRecord& bad) {
  Json record;
  try {
    record = parse_json(text, where);
  } catch (const FormatError& error) {
    if (!bad) throw;
    bad(where, reason_of(error, where));
    return false;
  }
  visit(record, where);
  return true;
}

void visit_array(std::string_view text, const std::string& path, const VisitRecord& visit) {
  const Json list = parse_json(text, path);
  for (std::size_t i = 0; i < list.size(); ++i) visit(list[i], format("{}[{}]", path, i));
}

void visit_lines(std::string_view text, const std::string& path, const VisitRecord& visit,
                 const VisitBadRecord& bad) {
  std::int64_t number = 0;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = trim(text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    ++number;
    if (!line.empty()) visit_json(line, format("{}:{}", path, number), visit, bad);
  }
}

/// Reads RFC 4180 rows; a quoted field may hold delimiters, doubled quotes and line breaks.
class CsvRows {
 public:
  CsvRows(std::string_view text, char delimiter) : text_(text), delimiter_(delimiter) {}

  /// False at the end. `line` is the number of the row's first line.
  bool next(std::vector<std::string>& fields, std::int64_t& line) {
    fields.clear();
    if (position_ >= text_.size()) return false;
    line = line_;
    bool more = true;
    while (more) more = read_field(fields.emplace_back());
    return true;
  }
  bool unterminated() const { return unterminated_; }

 private:
  /// True when another field of the row follows.
  bool read_field(std::string& field) {
    bool quoted = position_ < text_.size() && text_[position_] == '"';
    if (quoted) ++position_;
    while (position_ < text_.size()) {
      const char letter = text_[position_++];
      if (letter == '\n') ++line_;
      if (quoted && letter == '"') {
        if (position_ < text_.size() && text_[position_] == '"')
          field += text_[position_++];
        else
          quoted = false;
      } else if (!quoted && letter == delimiter_) {
        return true;
      } else if (!quoted && letter == '\n') {
        if (field.ends_with('\r')) field.pop_back();
        return false;
      } else {
        field += letter;
      }
    }
    unterminated_ = quoted;
    return false;
  }

  std::string_view text_;
  char delimiter_;
  std::size_t position_ = 0;
  std::int64_t line_ = 1;
  bool unterminated_ = false;
};

std::string row_problem(const std::vector<std::string>& fields,
                        const std::vector<std::string>& header, bool unterminated) {
  if (unterminated) return "found a quote that is never closed, expected a closing quote";
  if (fields.size() != header.size())
    return format("found {} fields, expected {} as in the header", fields.size(), header.size());
  for (std::size_t i = 0; i < fields.size(); ++i)
    if (!is_valid_utf8(fields[i]))
      return format("{}: found bytes that are not UTF-8, expected UTF-8 text", header[i]);
  return "";
}

void visit_csv(std::string_view text, const std::string& path, const VisitRecord& visit,
               const VisitBadRecord& bad) {
  const std::string_view first_line = text.substr(0, text.find('\n'));
  const bool semicolons = std::count(first_line.begin(), first_line.end(), ';') >
                          std::count(first_line.begin(), first_line.end(), ',');
  CsvRows rows(text, semicolons ? ';' : ',');
  std::vector<std::string> header;
  std::vector<std::string> fields;
  std::int64_t line = 1;
  if (!rows.next(header, line)) return;
  while (rows.next(fields, line)) {
    if (fields.size() == 1 && fields[0].empty()) continue;
    const std::string where = format("{}:{}", path, line);
    const std::string problem = row_problem(fields, header, rows.unterminated());
    if (!problem.empty()) {
      bad(where, problem);
      continue;
    }
    Json record = Json::object();
    for (std::size_t i = 0; i < header.size(); ++i) record[header[i]] = fields[i];
    visit(record, where);
  }
}

std::string_view text_of(const MappedFile& file) {
  std::string_view text = file.text();
  if (text.starts_with("PAR1"))
    throw FormatError(format(
        "{}: found a Parquet file, expected JSON Lines, JSON or CSV. Convert it, e.g. in Python: "
        "datasets.Dataset.from_parquet(...).to_json(...).",
        file.path().string()));
  if (text.starts_with("PK\x03\x04") || text.starts_with("\x1F\x8B"))
    throw FormatError(
        format("{}: found a compressed file, expected JSON Lines, JSON or CSV. Unpack it first.",
               file.path().string()));
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  return text;
}

/// One object over many lines: its first line alone is no JSON.
bool is_single_object(std::string_view text) {
  const std::string_view body = trim(text);
  return body.starts_with('{') && body.find('\n') != std::string_view::npos &&
         trim(body.substr(1, body.find('\n'))).empty();
}

void visit_any_json(std::string_view text, const std::string& path, const VisitRecord& visit,
                    const VisitBadRecord& bad) {
  if (trim(text).starts_with('['))
    visit_array(text, path, visit);
  else if (is_single_object(text))
    visit_json(text, path, visit, bad);
  else
    visit_lines(text, path, visit, bad);
}

struct SampleFound {};

}  // namespace

void for_each_record(const std::filesystem::path& file, const VisitRecord& visit,
                     const VisitBadRecord& bad) {
  const MappedFile mapped(file);
  const std::string_view text = text_of(mapped);
  const std::string_view body = trim(text.substr(0, kSampleBytes));
  if (body.starts_with('{') || body.starts_with('['))
    visit_any_json(text, file.string(), visit, bad);
  else
    visit_csv(text, file.string(), visit, bad);
}

void for_each_json_record(const std::filesystem::path& file, const VisitRecord& visit) {
  const MappedFile mapped(file);
  visit_any_json(text_of(mapped), file.string(), visit, nullptr);
}

FileSample sample_file(const std::filesystem::path& file) {
  FileSample sample;
  sample.file = file;
  {
    const MappedFile mapped(file);
    sample.text = std::string(text_of(mapped).substr(0, kSampleBytes));
  }
  try {
    for_each_record(
        file,
        [&](const Json& record, const std::string&) {
          sample.first = record;
          throw SampleFound();
        },
        [](const std::string&, const std::string&) {});
  } catch (const SampleFound&) {
  }
  return sample;
}

}  // namespace sqpsych
