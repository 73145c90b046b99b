#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <c10/util/Half.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "models/codecs/codec.h"

namespace sqpsych {
namespace {

constexpr std::int64_t kBlock = 32;
constexpr std::int64_t kBlockBytes = 2 + kBlock;
constexpr std::int64_t kBlocksPerTask = 4096;

/// d = amax / 127 kept as f16, q = x / d rounded half away from zero, with the unrounded d
/// (ggml-quants.c, quantize_row_q8_0_ref).
void encode_block(const float* values, std::uint8_t* bytes) {
  float amax = 0;
  for (std::int64_t i = 0; i < kBlock; ++i) amax = std::max(amax, std::fabs(values[i]));
  const float d = amax / 127.0F;
  const float inverse = d != 0 ? 1.0F / d : 0.0F;
  const std::uint16_t d_bits = c10::Half(d).x;
  std::memcpy(bytes, &d_bits, sizeof d_bits);
  for (std::int64_t i = 0; i < kBlock; ++i)
    bytes[2 + i] =
        static_cast<std::uint8_t>(static_cast<std::int8_t>(std::round(values[i] * inverse)));
}

void decode_block(const std::uint8_t* bytes, float* values) {
  std::uint16_t d_bits = 0;
  std::memcpy(&d_bits, bytes, sizeof d_bits);
  const float d = c10::Half(d_bits, c10::Half::from_bits());
  for (std::int64_t i = 0; i < kBlock; ++i)
    values[i] = d * static_cast<float>(static_cast<std::int8_t>(bytes[2 + i]));
}

class Q80Codec : public Codec {
 public:
  std::uint32_t ggml_type() const override { return 8; }
  double largest() const override { return 127 * 65504.0; }

  at::Tensor encode(const at::Tensor& values) const override {
    const auto blocks = values.numel() / kBlock;
    auto bytes = at::empty({blocks * kBlockBytes}, at::kByte);
    const auto* source = values.const_data_ptr<float>();
    auto* target = bytes.mutable_data_ptr<std::uint8_t>();
    at::parallel_for(0, blocks, kBlocksPerTask, [&](std::int64_t begin, std::int64_t end) {
      for (auto b = begin; b < end; ++b)
        encode_block(source + b * kBlock, target + b * kBlockBytes);
    });
    return bytes;
  }

  at::Tensor decode(const std::uint8_t* bytes, std::int64_t count) const override {
    auto values = at::empty({count}, at::kFloat);
    auto* target = values.mutable_data_ptr<float>();
    at::parallel_for(0, count / kBlock, kBlocksPerTask, [&](std::int64_t begin, std::int64_t end) {
      for (auto b = begin; b < end; ++b) decode_block(bytes + b * kBlockBytes, target + b * kBlock);
    });
    return values;
  }
};

}  // namespace

const Codec& q8_0_codec() {
  static const Q80Codec codec;
  return codec;
}

}  // namespace sqpsych
