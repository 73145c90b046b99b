#include "data/datasets/json_records.h"

#include <cstdint>
#include <string_view>

#include "core/error.h"
#include "core/files.h"
#include "core/json_lines.h"
#include "core/text.h"

namespace sqpsych {

namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

using Visit = std::function<void(const Json&, const std::string&)>;
using Bad = std::function<void(const std::string&, const std::string&)>;

void visit_array(std::string_view text, const std::string& path, const Visit& visit) {
  const Json list = parse_json(text, path);
  for (std::size_t i = 0; i < list.size(); ++i) visit(list[i], format("{}[{}]", path, i));
}

/// The reason behind the `where: ` that parse_json puts in front.
std::string reason_of(const FormatError& error, const std::string& where) {
  const std::string_view text = error.what();
  return std::string(text.substr(text.starts_with(where + ": ") ? where.size() + 2 : 0));
}

void visit_lines(std::string_view text, const std::string& path, const Visit& visit,
                 const Bad& bad) {
  std::int64_t number = 0;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    const std::string where = format("{}:{}", path, ++number);
    if (trim(line).empty()) continue;
    Json record;
    try {
      record = parse_json(line, where);
    } catch (const FormatError& error) {
      if (!bad) throw;
      bad(where, reason_of(error, where));
      continue;
    }
    visit(record, where);
  }
}

}  // namespace

void for_each_json_record(const std::filesystem::path& file, const Visit& visit) {
  for_each_json_record(file, visit, nullptr);
}

void for_each_json_record(const std::filesystem::path& file, const Visit& visit, const Bad& bad) {
  const MappedFile mapped(file);
  std::string_view text = mapped.text();
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  if (trim(text).starts_with('['))
    visit_array(text, file.string(), visit);
  else
    visit_lines(text, file.string(), visit, bad);
}

}  // namespace sqpsych
