#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

#include "core/json_lines.h"

namespace sqpsych {

/// A JSON Lines file of a run that a resumed run continues exactly where a checkpoint left it.
class RunLog {
 public:
  /// Cuts the file to its first `size_bytes` bytes and appends from there. FormatError when it is
  /// shorter than that.
  RunLog(const std::filesystem::path& path, std::uint64_t size_bytes);
  void append(const Json& record);
  std::uint64_t size_bytes() const;
  /// Every record so far.
  const std::vector<Json>& records() const { return records_; }

 private:
  std::filesystem::path path_;
  std::vector<Json> records_;
  std::unique_ptr<JsonLinesAppender> appender_;
};

/// Keys of metrics.jsonl whose values are wall-clock time; all others are equal in a resumed and an
/// uninterrupted run.
const std::vector<std::string>& wall_clock_keys();

}  // namespace sqpsych
