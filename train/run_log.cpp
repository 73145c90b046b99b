#include "train/run_log.h"

#include "core/error.h"
#include "core/text.h"

namespace fs = std::filesystem;

namespace sqpsych {

RunLog::RunLog(const fs::path& path, std::uint64_t size_bytes) : path_(path) {
  const std::uint64_t present = fs::exists(path) ? fs::file_size(path) : 0;
  if (present < size_bytes)
    throw FormatError(
        format("train: '{}': found {} bytes, expected at least the {} of the checkpoint. Was the "
               "file edited? Start over with --restart.",
               path.string(), present, size_bytes));
  if (present > size_bytes) fs::resize_file(path, size_bytes);
  if (size_bytes > 0) records_ = read_json_lines(path);
  appender_ = std::make_unique<JsonLinesAppender>(path);
}

void RunLog::append(const Json& record) {
  appender_->append(record);
  records_.push_back(record);
}

std::uint64_t RunLog::size_bytes() const { return fs::exists(path_) ? fs::file_size(path_) : 0; }

const std::vector<std::string>& wall_clock_keys() {
  static const std::vector<std::string> keys = {
      "tokens_per_second",        "eval_runtime",           "train_runtime",
      "train_samples_per_second", "train_steps_per_second", "eval_samples_per_second"};
  return keys;
}

}  // namespace sqpsych
