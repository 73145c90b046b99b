#include "models/weights/gguf_parser.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <optional>
#include <unordered_set>

#include "core/text.h"
#include "models/codecs/codec.h"
#include "models/weights/gguf_types.h"

namespace sqpsych {
namespace {

constexpr std::uint64_t kMaxLength = 1ULL << 30;  // strings and arrays (src/gguf.cpp)
constexpr std::size_t kMaxNameBytes = 63;         // GGML_MAX_NAME less the terminator
constexpr std::uint32_t kMaxGgufDimensions = 4;   // GGML_MAX_DIMS
static_assert(std::endian::native == std::endian::little, "GGUF is read as little-endian memory");

/// Thrown inside this file only: what follows cannot be read.
struct Unreadable {};

class Parser {
 public:
  explicit Parser(std::string_view bytes) : bytes_(bytes) {}

  GgufContents parse() {
    try {
      read_start();
      for (std::uint64_t i = 0; i < value_count_; ++i) read_value(i);
      take_alignment();
      for (std::uint64_t i = 0; i < tensor_count_; ++i) read_tensor(i);
      check_data();
    } catch (const Unreadable&) {
    }
    return std::move(contents_);
  }

 private:
  void fault(std::string rule, std::string detail) {
    contents_.faults.push_back({std::move(rule), std::move(detail)});
  }
  [[noreturn]] void stop(std::string rule, std::string detail) {
    fault(std::move(rule), std::move(detail));
    throw Unreadable{};
  }
  std::uint64_t left() const { return bytes_.size() - position_; }

  void need(std::uint64_t size_bytes, std::string_view what) {
    if (left() < size_bytes)
      stop("truncated", format("found the end of the file at byte {} inside {}, expected {} more "
                               "bytes. The file is incomplete; copy or export it again",
                               bytes_.size(), what, size_bytes - left()));
  }

  template <class T>
  T number(std::string_view what) {
    need(sizeof(T), what);
    T value;
    std::memcpy(&value, bytes_.data() + position_, sizeof value);
    position_ += sizeof value;
    return value;
  }

  std::string text(std::string_view what) {
    const auto length = number<std::uint64_t>(what);
    if (length > kMaxLength)
      stop("length-limit",
           format("{}: found a length of {}, expected at most {}", what, length, kMaxLength));
    need(length, what);
    std::string result(bytes_.substr(position_, length));
    position_ += length;
    return result;
  }

  void read_start() {
    need(4, "the magic");
    if (bytes_.substr(0, 4) != "GGUF")
      stop("magic", "found other first bytes, expected 'GGUF'. This is not a GGUF file");
    position_ = 4;
    contents_.version = number<std::uint32_t>("the version");
    if (contents_.version < 2 || contents_.version > 3)
      stop("version", format("found {}, expected 3 (or 2){}", contents_.version,
                             (contents_.version & 0xFFFF) == 0 ? ". The file is big-endian" : ""));
    tensor_count_ = number<std::uint64_t>("the tensor count");
    value_count_ = number<std::uint64_t>("the key count");
    constexpr std::uint64_t kSmallestValue = 13;
    constexpr std::uint64_t kSmallestTensor = 24;
    if (value_count_ > left() / kSmallestValue || tensor_count_ > left() / kSmallestTensor)
      stop("truncated", format("found {} keys and {} tensors announced in {} bytes, expected fewer "
                               "or a longer file",
                               value_count_, tensor_count_, bytes_.size()));
  }

  void check_text(const std::string& text, std::string_view what) {
    if (!is_valid_utf8(text))
      fault("text-encoding", format("{}: found invalid UTF-8, expected UTF-8", what));
  }

  std::string checked_text(std::string_view what) {
    auto result = text(what);
    check_text(result, what);
    return result;
  }

  std::vector<std::string> texts(std::uint64_t count, std::string_view what) {
    if (count > left() / sizeof(std::uint64_t)) need(left() + 1, what);
    std::vector<std::string> values;
    for (std::uint64_t i = 0; i < count; ++i) values.push_back(text(what));
    const auto bad = std::ranges::find_if_not(values, is_valid_utf8);
    if (bad != values.end()) check_text(*bad, format("{}[{}]", what, bad - values.begin()));
    return values;
  }

  void read_value(std::uint64_t index) {
    auto key = checked_text(format("name of key {}", index));
    if (key.empty())
      fault("key-empty", format("found an empty name for key {}, expected a name", index));
    if (!keys_.insert(key).second)
      fault("key-duplicate", format("found '{}' twice, expected it once", key));
    const auto what = format("key '{}'", key);
    const auto type = number<std::uint32_t>(what);
    contents_.values.emplace_back(std::move(key),
                                  type == kGgufArray ? read_array(what) : read_scalar(type, what));
  }

  GgufValue read_scalar(std::uint32_t type, std::string_view what) {
    switch (type) {
      case 0:
        return number<std::uint8_t>(what);
      case 1:
        return number<std::int8_t>(what);
      case 2:
        return number<std::uint16_t>(what);
      case 3:
        return number<std::int16_t>(what);
      case 4:
        return number<std::uint32_t>(what);
      case 5:
        return number<std::int32_t>(what);
      case 6:
        return number<float>(what);
      case 7:
        return number<std::uint8_t>(what) != 0;
      case kGgufString:
        return checked_text(what);
      case 10:
        return number<std::uint64_t>(what);
      case 11:
        return number<std::int64_t>(what);
      case 12:
        return number<double>(what);
      default:
        stop("value-type", format("{}: found type {}, expected 0 to 12", what, type));
    }
  }

  template <class T>
  std::vector<T> numbers(std::uint64_t count, std::string_view what) {
    if (count > left() / sizeof(T)) need(left() + 1, what);
    std::vector<T> values(count);
    std::memcpy(values.data(), bytes_.data() + position_, count * sizeof(T));
    position_ += count * sizeof(T);
    return values;
  }

  GgufValue read_array(std::string_view what) {
    const auto type = number<std::uint32_t>(what);
    const auto count = number<std::uint64_t>(what);
    if (count > kMaxLength)
      stop("length-limit",
           format("{}: found {} elements, expected at most {}", what, count, kMaxLength));
    switch (type) {
      case 0:
        return numbers<std::uint8_t>(count, what);
      case 1:
        return numbers<std::int8_t>(count, what);
      case 2:
        return numbers<std::uint16_t>(count, what);
      case 3:
        return numbers<std::int16_t>(count, what);
      case 4:
        return numbers<std::uint32_t>(count, what);
      case 5:
        return numbers<std::int32_t>(count, what);
      case 6:
        return numbers<float>(count, what);
      case 7: {
        const auto bytes = numbers<std::uint8_t>(count, what);
        std::vector<bool> flags;
        for (auto byte : bytes) flags.push_back(byte != 0);
        return flags;
      }
      case kGgufString:
        return texts(count, what);
      case kGgufArray:
        stop("array-nested",
             format("{}: found an array of arrays, expected an array of values", what));
      case 10:
        return numbers<std::uint64_t>(count, what);
      case 11:
        return numbers<std::int64_t>(count, what);
      case 12:
        return numbers<double>(count, what);
      default:
        stop("value-type", format("{}: found elements of type {}, expected 0 to 12", what, type));
    }
  }

  void take_alignment() {
    for (const auto& [key, value] : contents_.values) {
      if (key != "general.alignment") continue;
      const auto* alignment = std::get_if<std::uint32_t>(&value);
      if (!alignment)
        stop("alignment",
             format("general.alignment: found type {}, expected u32", gguf_type_name(value)));
      if (!std::has_single_bit(*alignment))
        stop("alignment",
             format("general.alignment: found {}, expected a power of two", *alignment));
      contents_.alignment = *alignment;
    }
  }

  void read_tensor(std::uint64_t index) {
    GgufTensor tensor;
    tensor.name = text(format("name of tensor {}", index));
    const auto what = format("tensor '{}'", tensor.name);
    check_text(tensor.name, what);
    if (tensor.name.size() > kMaxNameBytes)
      fault("tensor-name-length", format("{}: found {} bytes, expected at most {}", what,
                                         tensor.name.size(), kMaxNameBytes));
    if (!names_.insert(tensor.name).second)
      fault("tensor-name-duplicate", format("{}: found it twice, expected it once", what));
    const auto dimensions = number<std::uint32_t>(what);
    if (dimensions > kMaxGgufDimensions)
      stop("tensor-dimensions", format("{}: found {} dimensions, expected at most {}", what,
                                       dimensions, kMaxGgufDimensions));
    std::vector<std::uint64_t> sizes;
    for (std::uint32_t d = 0; d < dimensions; ++d) sizes.push_back(number<std::uint64_t>(what));
    tensor.type = number<std::uint32_t>(what);
    tensor.offset = number<std::uint64_t>(what);
    tensor.size_bytes = size_of(sizes, tensor.type, what);
    tensor.shape.assign(sizes.rbegin(), sizes.rend());
    contents_.tensors.push_back(std::move(tensor));
  }

  std::uint64_t size_of(const std::vector<std::uint64_t>& sizes, std::uint32_t type,
                        const std::string& what) {
    const auto* layout = ggml_layout(type);
    if (!layout)
      stop("tensor-type", format("{}: found ggml type {}, expected a known one", what, type));
    std::int64_t elements = 1;
    for (auto size : sizes)
      if (size > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) ||
          __builtin_mul_overflow(elements, static_cast<std::int64_t>(size), &elements))
        stop("tensor-size",
             format("{}: found more than 2^63 elements, expected a size that fits", what));
    const auto row = sizes.empty() ? 1 : sizes.front();
    const auto block = static_cast<std::uint64_t>(layout->block_elements);
    if (row % block != 0)
      stop("block-size", format("{}: found rows of {} values, expected a multiple of {} for {}",
                                what, row, block, layout->name));
    std::uint64_t size_bytes = 0;
    if (__builtin_mul_overflow(static_cast<std::uint64_t>(elements) / block, layout->block_bytes,
                               &size_bytes) ||
        size_bytes > std::numeric_limits<std::uint64_t>::max() / 4)
      stop("tensor-size",
           format("{}: found a size beyond 2^62 bytes, expected one that fits", what));
    return size_bytes;
  }

  std::uint64_t padded(std::uint64_t size_bytes) const {
    return (size_bytes + contents_.alignment - 1) / contents_.alignment * contents_.alignment;
  }

  void check_data() {
    contents_.data_begin = padded(position_);
    if (tensor_count_ == 0) return;
    std::uint64_t expected = 0;
    for (const auto& tensor : contents_.tensors) {
      if (tensor.offset != expected)
        return fault(
            "tensor-offset",
            format(
                "tensor '{}': found offset {}, expected {} (the sum of the padded sizes before it)",
                tensor.name, tensor.offset, expected));
      const auto end = contents_.data_begin + tensor.offset + tensor.size_bytes;
      if (end > bytes_.size())
        return fault(
            "data-truncated",
            format("tensor '{}': found the end of the file at byte {}, expected data up to {}. "
                   "The file is incomplete; copy or export it again",
                   tensor.name, bytes_.size(), end));
      expected += padded(tensor.size_bytes);
    }
  }

  std::string_view bytes_;
  std::uint64_t position_ = 0;
  std::uint64_t tensor_count_ = 0;
  std::uint64_t value_count_ = 0;
  std::unordered_set<std::string> keys_;
  std::unordered_set<std::string> names_;
  GgufContents contents_;
};

}  // namespace

GgufContents parse_gguf(std::string_view bytes) { return Parser(bytes).parse(); }

}  // namespace sqpsych
