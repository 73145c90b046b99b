#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

#include "data/answers/csv_records.h"

namespace sqpsych {

/// The delimiter whose first records agree best on a number of fields above one; a comma when
/// none splits anything. A first line `sep=;`, as spreadsheets write it, decides at once.
char detect_delimiter(std::string_view text, const std::filesystem::path& file);

/// `,` when more fields look like 3,5 than like 3.5 (never with a comma as delimiter), else `.`.
char detect_decimal(const std::vector<CsvRecord>& records, char delimiter);

/// The separator that a first line `sep=X` declares, or 0; `text` moves behind that line.
char take_separator_line(std::string_view& text);

}  // namespace sqpsych
