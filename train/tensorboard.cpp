#include "train/tensorboard.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <cerrno>
#include <chrono>
#include <cstring>

#include "core/error.h"
#include "core/text.h"

namespace fs = std::filesystem;

namespace sqpsych {
namespace {

constexpr std::uint32_t kCastagnoliReversed = 0x82F63B78;
constexpr std::uint32_t kMaskDelta = 0xA282EAD8;  // tensorflow/core/lib/hash/crc32c.h

// Protocol buffer wire types and the field numbers of event.proto and summary.proto.
enum WireType : std::uint32_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };
constexpr std::uint32_t kEventWallTime = 1, kEventStep = 2, kEventFileVersion = 3,
                        kEventSummary = 5, kEventSessionLog = 7;
constexpr std::uint32_t kSummaryValue = 1, kValueTag = 1, kValueSimple = 2;
constexpr std::uint32_t kSessionStatus = 1, kSessionStart = 1;

std::array<std::uint32_t, 256> make_crc_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < table.size(); ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit)
      value = (value >> 1) ^ ((value & 1) ? kCastagnoliReversed : 0);
    table[i] = value;
  }
  return table;
}

template <class T>
void put_little_endian(std::string& out, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    out.push_back(static_cast<char>(static_cast<unsigned char>(value & 0xFF)));
    value = static_cast<T>(value >> 8);
  }
}

void put_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>((value & 0x7F) | 0x80));
  out.push_back(static_cast<char>(value));
}

void put_tag(std::string& out, std::uint32_t field, WireType type) {
  put_varint(out, (field << 3) | type);
}

void put_bytes(std::string& out, std::uint32_t field, std::string_view bytes) {
  put_tag(out, field, kBytes);
  put_varint(out, bytes.size());
  out.append(bytes);
}

std::string event_head(double wall_time, std::int64_t step) {
  std::string event;
  put_tag(event, kEventWallTime, kFixed64);
  put_little_endian(event, std::bit_cast<std::uint64_t>(wall_time));
  if (step != 0) {
    put_tag(event, kEventStep, kVarint);
    put_varint(event, static_cast<std::uint64_t>(step));
  }
  return event;
}

double wall_seconds() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::uint32_t masked_crc(std::string_view bytes) {
  const std::uint32_t crc = crc32c(bytes);
  return ((crc >> 15) | (crc << 17)) + kMaskDelta;
}

}  // namespace

std::uint32_t crc32c(std::string_view bytes) {
  static const std::array<std::uint32_t, 256> table = make_crc_table();
  std::uint32_t crc = 0xFFFFFFFF;
  for (const char byte : bytes)
    crc = table[(crc ^ static_cast<unsigned char>(byte)) & 0xFF] ^ (crc >> 8);
  return ~crc;
}

std::string tfrecord_frame(std::string_view data) {
  std::string frame;
  put_little_endian(frame, static_cast<std::uint64_t>(data.size()));
  put_little_endian(frame, masked_crc(frame));
  frame.append(data);
  put_little_endian(frame, masked_crc(data));
  return frame;
}

std::string scalar_event(double wall_time, std::int64_t step, const std::string& tag, float value) {
  std::string scalar;
  put_bytes(scalar, kValueTag, tag);
  put_tag(scalar, kValueSimple, kFixed32);
  put_little_endian(scalar, std::bit_cast<std::uint32_t>(value));
  std::string summary;
  put_bytes(summary, kSummaryValue, scalar);
  std::string event = event_head(wall_time, step);
  put_bytes(event, kEventSummary, summary);
  return event;
}

TensorboardWriter::TensorboardWriter(const fs::path& folder, std::int64_t first_step) {
  fs::create_directories(folder);
  path_ = folder / format("events.out.tfevents.{}.sqpsych.{}",
                          static_cast<std::int64_t>(wall_seconds()), getpid());
  descriptor_ = open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (descriptor_ < 0)
    throw ResourceError(format("train: '{}': cannot create: {}.", path_.string(), strerror(errno)));
  std::string version = event_head(wall_seconds(), 0);
  put_bytes(version, kEventFileVersion, "brain.Event:2");
  append(version);
  if (first_step == 0) return;
  std::string session;
  put_tag(session, kSessionStatus, kVarint);
  put_varint(session, kSessionStart);
  std::string start = event_head(wall_seconds(), first_step);
  put_bytes(start, kEventSessionLog, session);
  append(start);
}

TensorboardWriter::~TensorboardWriter() {
  if (descriptor_ >= 0) close(descriptor_);
}

void TensorboardWriter::add_scalar(const std::string& tag, double value, std::int64_t step) {
  append(scalar_event(wall_seconds(), step, tag, static_cast<float>(value)));
}

void TensorboardWriter::append(const std::string& event) {
  const std::string frame = tfrecord_frame(event);
  if (write(descriptor_, frame.data(), frame.size()) != static_cast<ssize_t>(frame.size()))
    throw ResourceError(format("train: '{}': cannot write: {}.", path_.string(), strerror(errno)));
}

}  // namespace sqpsych
