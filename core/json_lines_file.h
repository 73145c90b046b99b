#pragma once

#include <filesystem>

#include "core/files.h"
#include "core/json_lines.h"

namespace sqpsych {

/// Writes one line per record, `to_json(record)`, atomically and without holding the text of all.
template <class Records, class ToJson>
void write_json_lines(const std::filesystem::path& path, const Records& records, ToJson to_json) {
  AtomicFile file(path);
  for (const auto& record : records) file.write(to_line(to_json(record)) + "\n");
  file.commit();
}

}  // namespace sqpsych
