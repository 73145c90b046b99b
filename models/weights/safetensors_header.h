#pragma once

#include <c10/core/ScalarType.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "models/weights/safetensors.h"

namespace sqpsych {

/// LibTorch's type of a safetensors dtype name, and back; empty when there is none.
std::optional<at::ScalarType> safetensors_scalar_type(const std::string& dtype);
std::optional<std::string> safetensors_dtype(at::ScalarType type);
std::vector<std::string> safetensors_dtypes();

/// The JSON header of a safetensors file.
struct SafetensorsHeader {
  std::map<std::string, SafetensorsEntry> entries;
  std::map<std::string, std::string> metadata;
};

/// Reads and checks the header against the size of the data section that follows it. `where` names
/// the file. All faulty tensors are one FormatError.
SafetensorsHeader parse_safetensors_header(std::string_view json, std::uint64_t data_size_bytes,
                                           const std::string& where);

}  // namespace sqpsych
