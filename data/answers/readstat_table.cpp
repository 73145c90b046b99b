#include "data/answers/readstat_table.h"

#include <chrono>
#include <cmath>
#include <memory>

#include "core/error.h"
#include "core/interrupt.h"
#include "core/text.h"

namespace sqpsych {
namespace {

using ValueLabels = std::map<std::string, std::string>;

/// What the callbacks fill. Nothing may be thrown through ReadStat's C frames: a problem is kept
/// in `problem` and the parse aborted.
struct Parse {
  const ReadStatFormat* format = nullptr;
  ReadStatResult result;
  std::map<std::string, ValueLabels> label_sets;
  std::vector<std::string> label_set_of_column;
  std::vector<std::optional<DateFormat>> date_of_column;
  std::string problem;
  std::string reader_message;
};

std::string text_or_empty(const char* text) { return text ? text : ""; }

std::optional<double> number_of(readstat_value_t value) {
  switch (readstat_value_type(value)) {
    case READSTAT_TYPE_INT8:
      return readstat_int8_value(value);
    case READSTAT_TYPE_INT16:
      return readstat_int16_value(value);
    case READSTAT_TYPE_INT32:
      return readstat_int32_value(value);
    case READSTAT_TYPE_FLOAT:
      return readstat_float_value(value);
    case READSTAT_TYPE_DOUBLE:
      return readstat_double_value(value);
    default:
      return std::nullopt;
  }
}

std::string label_key(readstat_value_t value) {
  if (readstat_value_is_tagged_missing(value)) return format(".{}", readstat_value_tag(value));
  const auto number = number_of(value);
  return number ? number_text(*number) : text_or_empty(readstat_string_value(value));
}

int on_metadata(readstat_metadata_t* metadata, void* context) {
  auto& parse = *static_cast<Parse*>(context);
  parse.result.declared_rows = readstat_get_row_count(metadata);
  const std::string encoding = text_or_empty(readstat_get_file_encoding(metadata));
  if (!encoding.empty()) parse.result.table.description = "encoding " + encoding;
  return READSTAT_HANDLER_OK;
}

int on_variable(int, readstat_variable_t* variable, const char* label_set, void* context) {
  auto& parse = *static_cast<Parse*>(context);
  auto& columns = parse.result.table.columns;
  columns.push_back({text_or_empty(readstat_variable_get_name(variable)),
                     text_or_empty(readstat_variable_get_label(variable)),
                     {}});
  if (!is_valid_utf8(columns.back().name) || !is_valid_utf8(columns.back().label)) {
    parse.problem =
        format("column {}: found a name or label that is not valid text", columns.size());
    return READSTAT_HANDLER_ABORT;
  }
  parse.label_set_of_column.push_back(text_or_empty(label_set));
  parse.result.row_bytes += readstat_variable_get_storage_width(variable);
  const bool numeric = readstat_variable_get_type_class(variable) == READSTAT_TYPE_CLASS_NUMERIC;
  parse.date_of_column.push_back(
      numeric ? parse.format->date_format(text_or_empty(readstat_variable_get_format(variable)))
              : std::nullopt);
  return READSTAT_HANDLER_OK;
}

int on_value_label(const char* label_set, readstat_value_t value, const char* label,
                   void* context) {
  auto& parse = *static_cast<Parse*>(context);
  const std::string text = text_or_empty(label);
  if (is_valid_utf8(text)) parse.label_sets[text_or_empty(label_set)][label_key(value)] = text;
  return READSTAT_HANDLER_OK;
}

AnswerCell number_cell(double number, const std::optional<DateFormat>& date) {
  if (!std::isfinite(number)) return AnswerCell::missing();
  return date ? AnswerCell::of(iso_date(number, *date)) : AnswerCell::of(number);
}

AnswerCell text_cell(const std::string& text) {
  const auto content = trim(text);
  return content.empty() ? AnswerCell::missing() : AnswerCell::of(std::string(content));
}

int on_value(int row, readstat_variable_t* variable, readstat_value_t value, void* context) {
  auto& parse = *static_cast<Parse*>(context);
  auto& table = parse.result.table;
  while (table.rows.size() <= static_cast<std::size_t>(row)) {
    if (interrupt_requested()) return READSTAT_HANDLER_ABORT;
    table.rows.push_back({static_cast<std::int64_t>(table.rows.size()) + 1, {}, {}});
    table.rows.back().cells.resize(table.columns.size());
  }
  const auto column = static_cast<std::size_t>(readstat_variable_get_index(variable));
  AnswerCell& cell = table.rows[static_cast<std::size_t>(row)].cells.at(column);
  if (readstat_value_is_system_missing(value) && !readstat_value_is_tagged_missing(value))
    return READSTAT_HANDLER_OK;
  // The label of a declared missing value is looked up when all label sets are known.
  if (readstat_value_is_missing(value, variable)) {
    cell = AnswerCell::missing(label_key(value));
    return READSTAT_HANDLER_OK;
  }
  const auto number = number_of(value);
  cell = number ? number_cell(*number, parse.date_of_column[column])
                : text_cell(text_or_empty(readstat_string_value(value)));
  if (cell.kind == AnswerCell::Kind::kText && !is_valid_utf8(cell.text)) {
    parse.problem = format(
        "row {}, column '{}': found text that is not UTF-8; set "
        "answers.encoding to the file's encoding",
        row + 1, table.columns[column].name);
    return READSTAT_HANDLER_ABORT;
  }
  return READSTAT_HANDLER_OK;
}

void on_error(const char* message, void* context) {
  static_cast<Parse*>(context)->reader_message = std::string(trim(text_or_empty(message)));
}

/// Gives columns their value labels and missing cells their reason.
void attach_labels(Parse& parse) {
  auto& table = parse.result.table;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    const auto set = parse.label_sets.find(parse.label_set_of_column[i]);
    if (set == parse.label_sets.end()) continue;
    table.columns[i].value_labels = set->second;
    for (auto& row : table.rows) {
      AnswerCell& cell = row.cells[i];
      const auto label = cell.is_missing() ? set->second.find(cell.text) : set->second.end();
      if (label != set->second.end()) cell.text = label->second;
    }
  }
}

readstat_error_t run_parser(Parse& parse, const std::filesystem::path& file,
                            const AnswerFileConfig& config) {
  const std::unique_ptr<readstat_parser_t, decltype(&readstat_parser_free)> parser(
      readstat_parser_init(), readstat_parser_free);
  readstat_set_metadata_handler(parser.get(), on_metadata);
  readstat_set_variable_handler(parser.get(), on_variable);
  readstat_set_value_label_handler(parser.get(), on_value_label);
  readstat_set_value_handler(parser.get(), on_value);
  readstat_set_error_handler(parser.get(), on_error);
  if (config.encoding != "auto")
    readstat_set_file_character_encoding(parser.get(), config.encoding.c_str());
  return parse.format->parse(parser.get(), file.c_str(), &parse);
}

void refuse_short_file(const Parse& parse, const std::filesystem::path& file) {
  const auto& table = parse.result.table;
  const auto rows = static_cast<std::int64_t>(table.rows.size());
  if (parse.result.declared_rows >= 0 && rows != parse.result.declared_rows)
    throw FormatError(
        format("answers: '{}': found {} rows, expected {} as its header says. Is the "
               "file truncated?",
               file.string(), rows, parse.result.declared_rows));
  if (table.columns.empty() || table.rows.empty())
    throw FormatError(format("answers: '{}': found {} columns and {} rows, expected answers",
                             file.string(), table.columns.size(), rows));
}

}  // namespace

ReadStatResult read_with_readstat(const ReadStatFormat& format_of_file,
                                  const std::filesystem::path& file,
                                  const AnswerFileConfig& config) {
  Parse parse;
  parse.format = &format_of_file;
  parse.result.table.path = file;
  const readstat_error_t error = run_parser(parse, file, config);
  throw_if_interrupted("answers");
  if (!parse.problem.empty())
    throw FormatError(format("answers: '{}': {}", file.string(), parse.problem));
  if (error != READSTAT_OK)
    throw FormatError(
        format("answers: '{}': {} cannot be read: {}{}. Is the file truncated or damaged?",
               file.string(), format_of_file.name, readstat_error_message(error),
               parse.reader_message.empty() ? "" : " (" + parse.reader_message + ")"));
  refuse_short_file(parse, file);
  attach_labels(parse);
  return std::move(parse.result);
}

std::string iso_date(double number, const DateFormat& date_format) {
  constexpr double kSecondsPerDay = 86400;
  const double seconds = number * date_format.seconds_per_unit;
  const double day = std::floor(seconds / kSecondsPerDay);
  // Years 0 to 9999 hold every date that a questionnaire can carry.
  if (std::abs(day) > 4e6) return number_text(number);
  const std::chrono::sys_days days{
      std::chrono::days{static_cast<std::int64_t>(day) + date_format.epoch_days}};
  const std::chrono::year_month_day date{days};
  std::string text = format("{:04}-{:02}-{:02}", static_cast<int>(date.year()),
                            static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
  if (!date_format.has_time) return text;
  const auto rest = static_cast<std::int64_t>(seconds - day * kSecondsPerDay);
  return text + format(" {:02}:{:02}:{:02}", rest / 3600, rest / 60 % 60, rest % 60);
}

}  // namespace sqpsych
