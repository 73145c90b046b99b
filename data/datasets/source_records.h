#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/json.h"

namespace sqpsych {

using VisitRecord = std::function<void(const Json& record, const std::string& where)>;
using VisitBadRecord = std::function<void(const std::string& where, const std::string& reason)>;

/// Calls `visit(record, where)` for every record of a JSON Lines file, of one JSON array or object,
/// or of a CSV file with a header (data/answers/csv_records.h; every field is a text). They are
/// told apart by the first character that is no space. `where` is `path:line`, for an array
/// `path[i]`. A record that cannot be read goes to `bad` and reading goes on behind it. FormatError
/// when the file as a whole is no text of these kinds, Interrupted when a signal came.
void for_each_record(const std::filesystem::path& file, const VisitRecord& visit,
                     const VisitBadRecord& bad);

/// Like for_each_record for JSON alone; a bad line is a FormatError.
void for_each_json_record(const std::filesystem::path& file, const VisitRecord& visit);

/// The text of `error` without `where`, which a bad record names by itself.
std::string reason_of(const FormatError& error, const std::string& where);

/// What an importer looks at to recognise its files.
struct FileSample {
  std::filesystem::path file;
  std::string text;   ///< the first 4,096 bytes
  Json first;         ///< the first readable record; null when there is none
  std::string fault;  ///< of the first unreadable one before it; may be empty
  bool has(const char* key) const { return first.is_object() && first.contains(key); }
  bool has_list(const char* key) const { return has(key) && first[key].is_array(); }
  bool has_text(const char* key) const { return has(key) && first[key].is_string(); }
};
FileSample sample_file(const std::filesystem::path& file);

}  // namespace sqpsych
