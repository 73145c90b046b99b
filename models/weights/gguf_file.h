#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "core/files.h"

namespace sqpsych {

/// ggml tensor type ids of the types we write (file format constants of ggml).
enum class GgmlType : std::uint32_t { kF32 = 0, kF16 = 1, kQ8_0 = 8, kBF16 = 30 };

/// Value of one GGUF key. Integers keep their exact type: llama.cpp refuses any other.
using GgufValue =
    std::variant<std::uint8_t, std::int8_t, std::uint16_t, std::int16_t, std::uint32_t,
                 std::int32_t, float, bool, std::string, std::uint64_t, std::int64_t, double,
                 std::vector<std::string>, std::vector<float>, std::vector<std::int32_t>,
                 std::vector<std::uint32_t>, std::vector<std::uint8_t>, std::vector<bool>,
                 std::vector<std::int8_t>, std::vector<std::uint16_t>, std::vector<std::int16_t>,
                 std::vector<std::uint64_t>, std::vector<std::int64_t>, std::vector<double>>;

/// One tensor of a GGUF file. `shape` is in PyTorch order (the reverse of what the file holds).
struct GgufTensor {
  std::string name;
  std::uint32_t type = 0;  ///< ggml type id as stored
  std::vector<std::int64_t> shape;
  std::uint64_t offset = 0;  ///< relative to the data section
  std::uint64_t size_bytes = 0;
};

/// A memory-mapped GGUF v2/v3 file with all structural rules checked on opening (magic, version,
/// key and tensor names, types, offsets as running sums, alignment, data inside the file).
/// FormatError names the broken rule and byte offset.
class GgufFile {
 public:
  explicit GgufFile(const std::filesystem::path& path);
  const std::filesystem::path& path() const { return file_->path(); }
  std::uint32_t version() const { return version_; }
  std::uint64_t alignment() const { return alignment_; }
  const std::vector<std::pair<std::string, GgufValue>>& values() const { return values_; }
  const std::vector<GgufTensor>& tensors() const { return tensors_; }
  const GgufValue* find(const std::string& key) const;
  const GgufTensor* find_tensor(const std::string& name) const;
  /// Typed look-ups; FormatError names the key and the type found.
  std::string text(const std::string& key) const;
  std::uint32_t u32(const std::string& key) const;
  float f32(const std::string& key) const;
  std::optional<std::uint32_t> optional_u32(const std::string& key) const;
  /// The value when the key is there with exactly this type, else null.
  template <class T>
  const T* find_as(const std::string& key) const {
    const auto* value = find(key);
    return value ? std::get_if<T>(value) : nullptr;
  }
  /// The tensor as fp32 / fp16 / bf16 of its own, sharing mapped memory (read-only; the mapping
  /// lives as long as any such tensor); quantised types are decoded to fp32. FormatError for a type
  /// without codec.
  at::Tensor tensor(const GgufTensor& entry) const;
  const std::uint8_t* bytes(const GgufTensor& entry) const;

 private:
  std::shared_ptr<MappedFile> file_;
  std::uint32_t version_ = 0;
  std::uint64_t alignment_ = 32;
  std::uint64_t data_begin_ = 0;
  std::vector<std::pair<std::string, GgufValue>> values_;
  std::vector<GgufTensor> tensors_;
};

/// Whether a file is GGUF by its first bytes, whatever it is called (a hub cache names files by
/// their hash). A folder is not.
bool is_gguf_file(const std::filesystem::path& path);

/// Collects keys and tensors, then writes a GGUF v3 file atomically. Tensors are converted to their
/// type while writing, one at a time (memory: one tensor).
class GgufWriter {
 public:
  /// A key that is set again keeps its place and takes the new value.
  void set(const std::string& key, GgufValue value);
  const GgufValue* find(const std::string& key) const;
  /// `tensor` in PyTorch layout; kQ8_0 falls back to F16 when rows are not divisible by 32.
  void add(const std::string& name, const at::Tensor& tensor, GgmlType type);
  /// The same for a tensor that is made when it is written.
  void add(const std::string& name, std::vector<std::int64_t> shape, GgmlType type,
           std::function<at::Tensor()> make);
  std::size_t tensor_count() const { return tensors_.size(); }
  std::uint64_t data_bytes() const;  ///< size of the data section
  /// FormatError names a tensor with a value that is not finite or does not fit its type.
  void write(const std::filesystem::path& path) const;

 private:
  struct Pending {
    std::string name;
    std::vector<std::int64_t> shape;
    GgmlType type;
    std::function<at::Tensor()> make;
    std::uint64_t size_bytes;
  };
  std::string header() const;
  std::vector<std::pair<std::string, GgufValue>> values_;
  std::vector<Pending> tensors_;
};

}  // namespace sqpsych
