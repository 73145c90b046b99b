#include "tests/data/answers/statistical_file.h"

#include <fstream>
#include <stdexcept>

namespace sqpsych::testing {
namespace {

ssize_t append_bytes(const void* bytes, std::size_t size, void* context) {
  static_cast<std::string*>(context)->append(static_cast<const char*>(bytes), size);
  return static_cast<ssize_t>(size);
}

void need_ok(readstat_error_t error) {
  if (error != READSTAT_OK) throw std::runtime_error(readstat_error_message(error));
}

void add_columns(readstat_writer_t* writer, const StatFile& file) {
  for (const auto& column : file.columns) {
    auto* variable = readstat_add_variable(writer, column.name.c_str(), column.type, column.width);
    readstat_variable_set_label(variable, column.label.c_str());
    if (!column.format.empty()) readstat_variable_set_format(variable, column.format.c_str());
    if (!column.value_labels.empty()) {
      const bool is_double = column.type == READSTAT_TYPE_DOUBLE;
      auto* set = readstat_add_label_set(
          writer, is_double ? READSTAT_TYPE_DOUBLE : READSTAT_TYPE_INT32, column.name.c_str());
      for (const auto& [value, label] : column.value_labels) {
        if (is_double)
          readstat_label_double_value(set, value, label.c_str());
        else
          readstat_label_int32_value(set, static_cast<std::int32_t>(value), label.c_str());
      }
      readstat_variable_set_label_set(variable, set);
    }
    for (const double value : column.missing_values)
      need_ok(readstat_variable_add_missing_double_value(variable, value));
  }
}

void insert_cell(readstat_writer_t* writer, const readstat_variable_t* variable,
                 const StatCell& cell) {
  if (std::holds_alternative<std::monostate>(cell)) {
    need_ok(readstat_insert_missing_value(writer, variable));
  } else if (const auto* tag = std::get_if<char>(&cell)) {
    need_ok(readstat_insert_tagged_missing_value(writer, variable, *tag));
  } else if (const auto* text = std::get_if<std::string>(&cell)) {
    need_ok(readstat_insert_string_value(writer, variable, text->c_str()));
  } else if (readstat_variable_get_type(variable) == READSTAT_TYPE_INT32) {
    need_ok(readstat_insert_int32_value(writer, variable,
                                        static_cast<std::int32_t>(std::get<double>(cell))));
  } else {
    need_ok(readstat_insert_double_value(writer, variable, std::get<double>(cell)));
  }
}

}  // namespace

void write_stat_file(const std::filesystem::path& path, const StatFile& file) {
  std::string bytes;
  auto* writer = readstat_writer_init();
  readstat_set_data_writer(writer, append_bytes);
  if (file.version != 0)
    readstat_writer_set_file_format_version(writer, static_cast<std::uint8_t>(file.version));
  readstat_writer_set_compression(writer, file.compression);
  add_columns(writer, file);
  const auto rows = static_cast<long>(file.rows.size());
  const auto extension = path.extension();
  need_ok(extension == ".sav"   ? readstat_begin_writing_sav(writer, &bytes, rows)
          : extension == ".dta" ? readstat_begin_writing_dta(writer, &bytes, rows)
                                : readstat_begin_writing_xport(writer, &bytes, rows));
  for (const auto& row : file.rows) {
    need_ok(readstat_begin_row(writer));
    for (std::size_t i = 0; i < row.size(); ++i)
      insert_cell(writer, readstat_get_variable(writer, static_cast<int>(i)), row[i]);
    need_ok(readstat_end_row(writer));
  }
  need_ok(readstat_end_writing(writer));
  readstat_writer_free(writer);
  std::ofstream(path, std::ios::binary) << bytes;
}

}  // namespace sqpsych::testing
