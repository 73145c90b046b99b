#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

namespace sqpsych {

/// How ggml lays out one tensor type: `block_elements` values in `block_bytes` bytes.
struct GgmlLayout {
  std::uint32_t id = 0;
  std::string name;
  std::int64_t block_elements = 1;
  std::uint64_t block_bytes = 0;
};

/// Layout of any tensor type that ggml knows (ggml.h, ggml-common.h); null for an unknown id.
const GgmlLayout* ggml_layout(std::uint32_t id);

/// A tensor type that we read and write: one file, no header.
class Codec {
 public:
  virtual ~Codec() = default;
  virtual std::uint32_t ggml_type() const = 0;
  /// Largest magnitude that survives encoding; larger values become infinite.
  virtual double largest() const = 0;
  /// fp32, contiguous, rows divisible by the block -> a contiguous tensor whose memory is the
  /// file's.
  virtual at::Tensor encode(const at::Tensor& values) const = 0;
  /// `count` values from the file's bytes -> fp32 [count].
  virtual at::Tensor decode(const std::uint8_t* bytes, std::int64_t count) const = 0;

  const GgmlLayout& layout() const { return *ggml_layout(ggml_type()); }
};

std::vector<const Codec*> codecs();
/// Null when this type has no codec.
const Codec* codec_of(std::uint32_t ggml_type);
/// By name in any case ("q8_0"); null when there is none.
const Codec* codec_by_name(const std::string& name);
/// Names in the order of the list.
std::vector<std::string> codec_names();

}  // namespace sqpsych
