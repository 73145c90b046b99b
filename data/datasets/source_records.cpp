#include "data/datasets/source_records.h"

#include <cstdint>
#include <string_view>

#include "core/error.h"
#include "core/files.h"
#include "core/interrupt.h"
#include "core/json_lines.h"
#include "core/text.h"
#include "data/answers/csv_dialect.h"
#include "data/answers/csv_records.h"
#include "data/answers/text_encoding.h"

namespace sqpsych {

namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr std::size_t kSampleBytes = 4096;

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

void visit_csv(const MappedFile& file, const VisitRecord& visit, const VisitBadRecord& bad) {
  const DecodedText decoded = decode_text(file.text(), "auto", file.path());
  std::string_view text = decoded.utf8;
  const char declared = take_separator_line(text);
  const char delimiter = declared != 0 ? declared : detect_delimiter(text, file.path());
  const auto rows = split_csv(text, delimiter, 0, file.path());
  for (std::size_t row = 1; row < rows.size(); ++row) {
    const auto& names = rows[0].fields;
    const auto& fields = rows[row].fields;
    const std::string where = format("{}:{}", file.path().string(), rows[row].line);
    if (fields.size() != names.size()) {
      bad(where,
          format("found {} fields, expected {} as in the header", fields.size(), names.size()));
      continue;
    }
    Json record = Json::object();
    for (std::size_t i = 0; i < names.size(); ++i) record[names[i]] = fields[i];
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

bool is_json(std::string_view text) {
  const std::string_view body = trim(text);
  return body.starts_with('{') || body.starts_with('[');
}

/// `visit`, preceded by a look whether a signal came: a file may hold millions of records.
VisitRecord until_interrupted(const std::filesystem::path& file, const VisitRecord& visit) {
  return [&](const Json& record, const std::string& where) {
    throw_if_interrupted(file.c_str());
    visit(record, where);
  };
}

struct SampleFound {};

}  // namespace

std::string reason_of(const FormatError& error, const std::string& where) {
  const std::string_view text = error.what();
  return std::string(text.starts_with(where + ": ") ? text.substr(where.size() + 2) : text);
}

void for_each_record(const std::filesystem::path& file, const VisitRecord& visit,
                     const VisitBadRecord& bad) {
  const MappedFile mapped(file);
  const std::string_view text = text_of(mapped);
  if (is_json(text.substr(0, kSampleBytes)))
    visit_any_json(text, file.string(), until_interrupted(file, visit), bad);
  else
    visit_csv(mapped, until_interrupted(file, visit), bad);
}

void for_each_json_record(const std::filesystem::path& file, const VisitRecord& visit) {
  const MappedFile mapped(file);
  visit_any_json(text_of(mapped), file.string(), until_interrupted(file, visit), nullptr);
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
        [&](const std::string& where, const std::string& reason) {
          if (sample.fault.empty()) sample.fault = format("{}: {}", where, reason);
        });
  } catch (const SampleFound&) {
  } catch (const FormatError&) {
    // A transcript is no table; broken JSON is worth its own sentence.
    if (is_json(sample.text)) throw;
  }
  return sample;
}

}  // namespace sqpsych
