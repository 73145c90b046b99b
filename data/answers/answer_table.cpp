#include "data/answers/answer_table.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "core/text.h"

namespace sqpsych {

std::string AnswerCell::to_text() const {
  switch (kind) {
    case Kind::kMissing:
      return "";
    case Kind::kNumber:
      return text.empty() ? number_text(number) : text;
    case Kind::kText:
      return text;
  }
  return "";
}

std::optional<double> AnswerCell::to_number() const {
  if (kind == Kind::kNumber) return number;
  if (kind == Kind::kText && text.find_first_not_of("0123456789") == std::string::npos)
    return parse_number(text);
  return std::nullopt;
}

std::vector<std::string> AnswerTable::column_names() const {
  std::vector<std::string> names;
  for (const auto& column : columns) names.push_back(column.name);
  return names;
}

std::int64_t AnswerTable::count_columns(const std::string& name) const {
  return std::count_if(columns.begin(), columns.end(),
                       [&](const AnswerColumn& column) { return column.name == name; });
}

std::optional<std::size_t> AnswerTable::find_column(const std::string& name) const {
  for (std::size_t i = 0; i < columns.size(); ++i)
    if (columns[i].name == name) return i;
  return std::nullopt;
}

std::string number_text(double value) {
  constexpr double kLargestExactWhole = 0x1p53;
  if (value != std::trunc(value)) return format("{:.10g}", value);
  if (std::abs(value) < kLargestExactWhole) return std::to_string(static_cast<std::int64_t>(value));
  return format("{:.17g}", value);
}

std::optional<double> parse_number(std::string_view text) {
  text = trim(text);
  if (text.empty() || text.find_first_not_of("+-.0123456789eE") != std::string_view::npos)
    return std::nullopt;
  if (text.front() == '+') text.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace sqpsych
