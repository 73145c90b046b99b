#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sqpsych {

/// One cell of an answer file.
struct AnswerCell {
  enum class Kind { kMissing, kNumber, kText };
  Kind kind = Kind::kMissing;
  double number = 0;
  /// kText: the content; kNumber: how the file wrote it, when number_text() would not give it back
  /// ("1.50"); kMissing: the declared reason, e.g. "refused", or empty.
  std::string text;

  static AnswerCell missing(std::string reason = {}) {
    return {Kind::kMissing, 0, std::move(reason)};
  }
  static AnswerCell of(double value) { return {Kind::kNumber, value, {}}; }
  static AnswerCell of(std::string value) { return {Kind::kText, 0, std::move(value)}; }

  bool is_missing() const { return kind == Kind::kMissing; }
  /// The content as text, empty when missing.
  std::string to_text() const;
  /// The content as a number; text counts when it is digits alone ("007").
  std::optional<double> to_number() const;
};

struct AnswerColumn {
  std::string name;
  std::string label;                                ///< what the file says the column means
  std::map<std::string, std::string> value_labels;  ///< by the value's text: "1" -> "male"
};

struct AnswerRow {
  std::int64_t number = 0;  ///< as a spreadsheet counts: CSV data starts at 2, other formats at 1
  std::vector<AnswerCell> cells;
  std::string fault;  ///< why this row cannot be used, e.g. its number of fields; empty when it can
};

/// A whole answer file in memory, in UTF-8.
struct AnswerTable {
  std::filesystem::path path;
  std::string description;  ///< what was found or detected, for one log line
  std::vector<AnswerColumn> columns;
  std::vector<AnswerRow> rows;

  std::string file_name() const { return path.filename().string(); }
  std::vector<std::string> column_names() const;
  /// How many columns have this name.
  std::int64_t count_columns(const std::string& name) const;
  /// Position of the first column with this name.
  std::optional<std::size_t> find_column(const std::string& name) const;
};

/// A number as text: whole numbers in full, so that two identifiers never become one; others with
/// up to ten digits.
std::string number_text(double value);
/// Text that is a number as a whole ("-3", "2.50"); not "1,000", "nan", "0x1f", "1 2".
std::optional<double> parse_number(std::string_view text);

}  // namespace sqpsych
