#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace sqpsych {

/// A TensorBoard event file: TFRecord frames (length, masked CRC32C of it, data, masked CRC32C of
/// that) of Event protocol buffers (tensorboard/compat/proto/{event,summary}.proto).
class TensorboardWriter {
 public:
  /// Creates `folder/events.out.tfevents.SECONDS.sqpsych.PID`. A `first_step` above 0 tells
  /// TensorBoard to forget what earlier files say from that step on.
  TensorboardWriter(const std::filesystem::path& folder, std::int64_t first_step);
  ~TensorboardWriter();
  TensorboardWriter(const TensorboardWriter&) = delete;
  TensorboardWriter& operator=(const TensorboardWriter&) = delete;
  void add_scalar(const std::string& tag, double value, std::int64_t step);

 private:
  void append(const std::string& event);
  std::filesystem::path path_;
  int descriptor_ = -1;
};

/// One frame of a TFRecord file.
std::string tfrecord_frame(std::string_view data);
/// An Event with one scalar.
std::string scalar_event(double wall_time, std::int64_t step, const std::string& tag, float value);
/// CRC-32C (Castagnoli, RFC 3720 appendix B.4).
std::uint32_t crc32c(std::string_view bytes);

}  // namespace sqpsych
