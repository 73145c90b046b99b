#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/json.h"

namespace sqpsych {

/// One line of JSON without line breaks; invalid UTF-8 is a BugError of the caller.
std::string to_line(const Json& value);

/// Calls `visit(record, line_number)` for every non-empty line. A bad line is a FormatError
/// `path:line: ...`. A UTF-8 byte order mark at the start is skipped. Interrupted when a signal
/// came.
void for_each_line(const std::filesystem::path& path,
                   const std::function<void(Json record, std::int64_t line)>& visit);

std::vector<Json> read_json_lines(const std::filesystem::path& path);

/// Appends whole lines; each append is one write call followed by fdatasync, so kill -9 leaves at
/// most one half-written last line.
class JsonLinesAppender {
 public:
  explicit JsonLinesAppender(const std::filesystem::path& path);
  ~JsonLinesAppender();
  JsonLinesAppender(const JsonLinesAppender&) = delete;
  JsonLinesAppender& operator=(const JsonLinesAppender&) = delete;
  void append(const Json& record);

 private:
  std::filesystem::path path_;
  int descriptor_ = -1;
};

/// Cuts a last line that has no line break (kill -9 in the middle of a write). Returns the number
/// of bytes cut; a missing file counts as zero.
std::uint64_t drop_half_line(const std::filesystem::path& path);

/// Typed access to a field of a record with an error that names it. `where` is `file:line`.
const Json& need(const Json& record, const char* key, const std::string& where);
std::string need_string(const Json& record, const char* key, const std::string& where);
std::int64_t need_integer(const Json& record, const char* key, const std::string& where);
/// Refuses a record whose `schema` is not `expected`, e.g. `sqpsych.session/1`.
void need_schema(const Json& record, const std::string& expected, const std::string& where);

}  // namespace sqpsych
