#pragma once

#include <readstat.h>

#include <filesystem>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace sqpsych::testing {

/// A cell to write: nothing (system-missing), a number, a text, or a tagged missing value ('a').
using StatCell = std::variant<std::monostate, double, std::string, char>;

struct StatColumn {
  std::string name;
  readstat_type_t type = READSTAT_TYPE_DOUBLE;
  std::size_t width = 8;
  std::string format = {};
  std::string label = {};
  std::vector<std::pair<double, std::string>> value_labels = {};
  std::vector<double> missing_values = {};  ///< SPSS only
};

struct StatFile {
  std::vector<StatColumn> columns;
  std::vector<std::vector<StatCell>> rows;
  readstat_compress_t compression = READSTAT_COMPRESS_NONE;
  int version = 0;  ///< 0: the writer's default
};

/// Writes SPSS (.sav), Stata (.dta) or SAS transport (.xpt) by the path's extension.
void write_stat_file(const std::filesystem::path& path, const StatFile& file);

}  // namespace sqpsych::testing
