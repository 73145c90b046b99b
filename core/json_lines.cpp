#include "core/json_lines.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/error.h"
#include "core/files.h"
#include "core/interrupt.h"
#include "core/text.h"

namespace sqpsych {
namespace {

const char* type_text(const Json& value) { return value.type_name(); }

}  // namespace

std::string to_line(const Json& value) { return value.dump(); }

void for_each_line(const std::filesystem::path& path,
                   const std::function<void(Json, std::int64_t)>& visit) {
  const MappedFile file(path);
  std::string_view text = file.text();
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  for (std::int64_t number = 1; !text.empty(); ++number) {
    throw_if_interrupted(path.c_str());
    const std::size_t end = text.find('\n');
    const std::string_view line = trim(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (!line.empty()) visit(parse_json(line, format("{}:{}", path.string(), number)), number);
  }
}

std::vector<Json> read_json_lines(const std::filesystem::path& path) {
  std::vector<Json> records;
  for_each_line(path, [&](Json record, std::int64_t) { records.push_back(std::move(record)); });
  return records;
}

JsonLinesAppender::JsonLinesAppender(const std::filesystem::path& path) : path_(path) {
  if (path.has_parent_path()) std::filesystem::create_directories(path.parent_path());
  descriptor_ = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (descriptor_ < 0)
    throw ResourceError(
        format("files: '{}': cannot open for appending: {}.", path.string(), std::strerror(errno)));
}

JsonLinesAppender::~JsonLinesAppender() {
  if (descriptor_ >= 0) close(descriptor_);
}

void JsonLinesAppender::append(const Json& record) {
  const std::string line = to_line(record) + "\n";
  for (std::size_t done = 0; done < line.size();) {
    const ssize_t written = write(descriptor_, line.data() + done, line.size() - done);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0)
      throw ResourceError(
          format("files: '{}': cannot append: {}.", path_.string(), std::strerror(errno)));
    done += static_cast<std::size_t>(written);
  }
  if (fdatasync(descriptor_) != 0 && errno != EINVAL)
    throw ResourceError(
        format("files: '{}': cannot append: {}.", path_.string(), std::strerror(errno)));
}

std::uint64_t drop_half_line(const std::filesystem::path& path) {
  if (!std::filesystem::exists(path)) return 0;
  std::uint64_t keep = 0;
  std::uint64_t size = 0;
  {
    const MappedFile file(path);
    size = file.size_bytes();
    const auto last_break = file.text().rfind('\n');
    keep = last_break == std::string_view::npos ? 0 : last_break + 1;
  }
  if (keep < size) std::filesystem::resize_file(path, keep);
  return size - keep;
}

const Json& need(const Json& record, const char* key, const std::string& where) {
  if (!record.is_object())
    throw FormatError(format("{}: found {}, expected an object.", where, type_text(record)));
  const auto found = record.find(key);
  if (found == record.end()) throw FormatError(format("{}: key '{}' is missing.", where, key));
  return *found;
}

std::string need_string(const Json& record, const char* key, const std::string& where) {
  const Json& value = need(record, key, where);
  if (!value.is_string())
    throw FormatError(
        format("{}: key '{}': found {}, expected a text.", where, key, type_text(value)));
  return value.get<std::string>();
}

std::int64_t need_integer(const Json& record, const char* key, const std::string& where) {
  const Json& value = need(record, key, where);
  if (!value.is_number_integer())
    throw FormatError(
        format("{}: key '{}': found {}, expected a whole number.", where, key, type_text(value)));
  return value.get<std::int64_t>();
}

void need_schema(const Json& record, const std::string& expected, const std::string& where) {
  const std::string found = need_string(record, "schema", where);
  if (found != expected)
    throw FormatError(format("{}: schema: found '{}', expected '{}'.", where, found, expected));
}

}  // namespace sqpsych
