#include <algorithm>

#include "core/error.h"
#include "core/files.h"
#include "core/text.h"
#include "data/answers/answer_reader.h"
#include "data/answers/csv_dialect.h"
#include "data/answers/text_encoding.h"

namespace sqpsych {
namespace {

constexpr std::string_view kTextExtensions[] = {"csv", "tsv", "tab", "txt"};

std::string delimiter_text(char delimiter) {
  if (delimiter == '\t') return "tab";
  return format("'{}'", delimiter);
}

/// Text recognises nothing by its first bytes: it is what remains, chosen by extension.
bool recognises_text(std::string_view) { return false; }

std::vector<AnswerColumn> columns_of(const CsvRecord& header) {
  std::vector<AnswerColumn> columns;
  for (const auto& name : header.fields) columns.push_back({std::string(trim(name)), {}, {}});
  return columns;
}

/// Spreadsheets leave delimiters behind the last column: fields without content there are dropped.
void drop_empty_tail(std::vector<std::string>& fields, std::size_t expected) {
  while (fields.size() > expected && trim(fields.back()).empty()) fields.pop_back();
}

AnswerCell cell_of(const std::string& field, char decimal) {
  const std::string_view content = trim(field);
  if (content.empty()) return AnswerCell::missing();
  const AnswerCell as_text = AnswerCell::of(std::string(content));
  if (decimal == ',' && content.find('.') != std::string_view::npos) return as_text;
  const auto number =
      parse_number(decimal == ',' ? replace_all(as_text.text, ",", ".") : as_text.text);
  if (!number) return as_text;
  if (number_text(*number) == content) return AnswerCell::of(*number);
  // Identifiers such as "007", "1E5" or twenty digits are no numbers; "3.50" is one.
  if (content.find_first_of(".,") == std::string_view::npos || content.starts_with('0') ||
      content.find_first_of("eE+") != std::string_view::npos)
    return content.starts_with("0.") || content.starts_with("0,")
               ? AnswerCell{AnswerCell::Kind::kNumber, *number, {}}
               : as_text;
  return {AnswerCell::Kind::kNumber, *number, decimal == '.' ? as_text.text : std::string()};
}

/// Takes the record, so that a large file is not held twice.
AnswerRow row_of(CsvRecord record, std::size_t columns, char decimal) {
  AnswerRow row;
  row.number = record.row;
  drop_empty_tail(record.fields, columns);
  if (record.fields.size() != columns)
    row.fault = format("found {} fields, expected {}", record.fields.size(), columns);
  record.fields.resize(columns);
  row.cells.reserve(columns);
  for (const auto& field : record.fields) row.cells.push_back(cell_of(field, decimal));
  return row;
}

AnswerTable read_csv(const std::filesystem::path& file, const AnswerFileConfig& config) {
  const MappedFile mapped(file);
  const DecodedText decoded = decode_text(mapped.text(), config.encoding, file);
  std::string_view text = decoded.utf8;
  const char declared = take_separator_line(text);
  const char delimiter = config.delimiter != "auto" ? config.delimiter.front()
                         : declared != 0            ? declared
                                                    : detect_delimiter(text, file);
  auto records = split_csv(text, delimiter, 0, file);
  if (records.empty())
    throw FormatError(
        format("answers: '{}': found no text, expected a header line and answers", file.string()));
  const char decimal =
      config.decimal != "auto" ? config.decimal.front() : detect_decimal(records, delimiter);
  AnswerTable table;
  table.path = file;
  table.description = format("encoding {}, delimiter {}, decimal '{}'", decoded.encoding,
                             delimiter_text(delimiter), decimal);
  drop_empty_tail(records.front().fields, 1);
  table.columns = columns_of(records.front());
  table.rows.reserve(records.size() - 1);
  for (std::size_t i = 1; i < records.size(); ++i) {
    if (declared != 0) --records[i].row;  // no spreadsheet shows the line that declares
    table.rows.push_back(row_of(std::move(records[i]), table.columns.size(), decimal));
  }
  if (table.rows.empty())
    throw FormatError(
        format("answers: '{}': found a header line only, expected rows of answers", file.string()));
  return table;
}

}  // namespace

extern const AnswerReader kCsvReader = {
    "CSV",
    {std::begin(kTextExtensions), std::end(kTextExtensions)},
    recognises_text,
    read_csv,
};

}  // namespace sqpsych
