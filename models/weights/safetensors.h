#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/files.h"

namespace sqpsych {

/// Place of one tensor in a safetensors file.
struct SafetensorsEntry {
  std::string dtype;  ///< as in the file: F32, F16, BF16, F64, I64, I32, U8, BOOL ...
  std::vector<std::int64_t> shape;
  std::uint64_t begin = 0;  ///< relative to the data section
  std::uint64_t end = 0;
};

/// A memory-mapped safetensors file, checked on opening: header length and limit, JSON without
/// duplicate keys, known dtypes, sizes that fit shape and dtype, offsets inside the file without
/// overlap or gap. FormatError names the file, the tensor and both numbers.
class SafetensorsFile {
 public:
  explicit SafetensorsFile(const std::filesystem::path& path);
  const std::filesystem::path& path() const;
  const std::map<std::string, SafetensorsEntry>& entries() const { return entries_; }
  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  /// A tensor that shares the mapped memory (read-only; keep it no longer than needed, or clone).
  /// The mapping lives as long as any such tensor.
  at::Tensor tensor(const std::string& name) const;
  std::string_view bytes(const std::string& name) const;

 private:
  const SafetensorsEntry& entry(const std::string& name) const;
  std::shared_ptr<MappedFile> file_;
  std::uint64_t data_begin_ = 0;
  std::map<std::string, SafetensorsEntry> entries_;
  std::map<std::string, std::string> metadata_;
};

using NamedTensors = std::vector<std::pair<std::string, at::Tensor>>;

/// A tensor that is made when its turn to be written comes, so that one at a time is in memory.
struct DeferredTensor {
  std::string name;
  at::ScalarType dtype = at::kFloat;
  std::vector<std::int64_t> shape;
  std::function<at::Tensor()> make;  ///< result has this shape; it is converted to `dtype`
};

/// Writes atomically, tensors in the given order, contiguous, 8-byte aligned header.
void write_safetensors(const std::filesystem::path& path, const NamedTensors& tensors,
                       const std::map<std::string, std::string>& metadata = {{"format", "pt"}});
void write_safetensors(const std::filesystem::path& path,
                       const std::vector<DeferredTensor>& tensors,
                       const std::map<std::string, std::string>& metadata = {{"format", "pt"}});

}  // namespace sqpsych
