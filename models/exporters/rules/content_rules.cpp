#include <algorithm>

#include "core/text.h"
#include "models/codecs/codec.h"
#include "models/exporters/rules/gguf_rules.h"
#include "models/weights/finite.h"

namespace sqpsych {
namespace {

constexpr std::int64_t kChunkElements = std::int64_t{1} << 20;

/// Decoded piece by piece: a whole embedding in fp32 may not fit into memory.
bool is_finite(const GgufFile& file, const GgufTensor& tensor, const Codec& codec) {
  const auto& layout = codec.layout();
  const auto blocks = static_cast<std::int64_t>(tensor.size_bytes / layout.block_bytes);
  const auto step = std::max<std::int64_t>(1, kChunkElements / layout.block_elements);
  for (std::int64_t block = 0; block < blocks; block += step) {
    const auto* bytes = file.bytes(tensor) + static_cast<std::uint64_t>(block) * layout.block_bytes;
    const auto count = std::min(step, blocks - block) * layout.block_elements;
    if (!all_finite(codec.decode(bytes, count))) return false;
  }
  return true;
}

}  // namespace

void check_contents(GgufExamination& examination) {
  for (const auto& tensor : examination.file.tensors())
    if (const auto* codec = codec_of(tensor.type);
        codec && !is_finite(examination.file, tensor, *codec))
      examination.add(
          "tensor-finite",
          format("tensor '{}': found NaN or infinity, expected finite numbers", tensor.name));
}

}  // namespace sqpsych
