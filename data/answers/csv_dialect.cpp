#include "data/answers/csv_dialect.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <map>

#include "core/error.h"
#include "core/text.h"

namespace sqpsych {
namespace {

constexpr std::array<char, 4> kDelimiters = {',', ';', '\t', '|'};
constexpr std::size_t kSampleRecords = 200;

struct Fit {
  double agreement = 0;  ///< share of records with the most frequent number of fields
  std::size_t fields = 1;
};

Fit fit_of(std::string_view text, char delimiter, const std::filesystem::path& file) {
  std::vector<CsvRecord> records;
  try {
    records = split_csv(text, delimiter, kSampleRecords, file);
  } catch (const FormatError&) {
    return {};  // this delimiter makes a quote run away; another one may not
  }
  std::map<std::size_t, std::size_t> counts;
  for (const auto& record : records) ++counts[record.fields.size()];
  Fit fit;
  std::size_t most = 0;
  for (const auto& [fields, count] : counts) {
    if (fields < 2 || count < most) continue;
    most = count;
    fit = {static_cast<double>(count) / static_cast<double>(records.size()), fields};
  }
  return fit;
}

/// Digits, one `sign`, digits, with an optional minus.
bool is_decimal_with(std::string_view text, char sign) {
  text = trim(text);
  if (text.starts_with('-')) text.remove_prefix(1);
  const std::size_t at = text.find(sign);
  if (at == std::string_view::npos || at == 0 || at + 1 == text.size()) return false;
  return std::all_of(text.begin(), text.end(), [&, first = text.data() + at](const char& c) {
    return &c == first || std::isdigit(static_cast<unsigned char>(c));
  });
}

}  // namespace

char take_separator_line(std::string_view& text) {
  if (text.size() < 5 || to_lower_ascii(text.substr(0, 4)) != "sep=") return 0;
  const std::size_t end = text.find_first_of("\r\n");
  if (end != 5) return 0;
  const char separator = text[4];
  text.remove_prefix(end);
  return separator;
}

char detect_delimiter(std::string_view text, const std::filesystem::path& file) {
  char best = ',';
  Fit best_fit;
  for (const char delimiter : kDelimiters) {
    const Fit fit = fit_of(text, delimiter, file);
    const bool better = fit.agreement > best_fit.agreement + 0.02 ||
                        (fit.agreement > best_fit.agreement - 0.02 && fit.fields > best_fit.fields);
    if (better) {
      best = delimiter;
      best_fit = fit;
    }
  }
  return best;
}

char detect_decimal(const std::vector<CsvRecord>& records, char delimiter) {
  if (delimiter == ',') return '.';
  std::int64_t commas = 0;
  std::int64_t points = 0;
  for (const auto& record : records)
    for (const auto& field : record.fields) {
      commas += is_decimal_with(field, ',');
      points += is_decimal_with(field, '.');
    }
  return commas > points ? ',' : '.';
}

}  // namespace sqpsych
