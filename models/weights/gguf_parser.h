#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "models/weights/gguf_file.h"

namespace sqpsych {

/// One broken structural rule: a short stable rule name and `found X, expected Y`.
struct GgufFault {
  std::string rule;
  std::string detail;
};

/// What a GGUF file holds before its data section, and every structural rule it breaks. After a
/// fault that makes the rest unreadable (truncation, unknown type ...) parsing stops.
struct GgufContents {
  std::uint32_t version = 0;
  std::uint64_t alignment = 32;
  std::uint64_t data_begin = 0;
  std::vector<std::pair<std::string, GgufValue>> values;
  std::vector<GgufTensor> tensors;
  std::vector<GgufFault> faults;
};

/// Layout and limits: ggml docs/gguf.md and src/gguf.cpp.
GgufContents parse_gguf(std::string_view bytes);

}  // namespace sqpsych
