#include "models/codecs/codec.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace sqpsych {
namespace {

at::Tensor normal_values(std::int64_t count) {
  std::mt19937 generator(7);
  std::normal_distribution<float> normal;
  auto values = at::zeros({count});
  for (std::int64_t i = 0; i < count; ++i) values.data_ptr<float>()[i] = normal(generator);
  return values;
}

TEST(Codec, EveryOneDecodesWhatItEncodesWithinItsStep) {
  const auto values = normal_values(4096);
  for (const auto* codec : codecs()) {
    const auto encoded = codec->encode(values);
    const auto& layout = codec->layout();
    EXPECT_EQ(encoded.nbytes(),
              4096U / static_cast<std::uint64_t>(layout.block_elements) * layout.block_bytes);
    const auto decoded =
        codec->decode(static_cast<const std::uint8_t*>(encoded.const_data_ptr()), 4096);
    const double bound = layout.name == "F32" ? 0 : layout.name == "F16" ? 1e-3 : 1.6e-2;
    EXPECT_LE((decoded - values).abs().max().item<double>(), bound) << layout.name;
    EXPECT_EQ(codec_of(layout.id), codec);
    EXPECT_EQ(codec_by_name(layout.name), codec);
  }
  EXPECT_EQ(codec_by_name("q8_0"), codec_of(8));
  EXPECT_EQ(codec_by_name("Q9"), nullptr);
}

TEST(Codec, Q80RoundsHalfAwayFromZeroWithTheUnroundedScale) {
  auto values = at::zeros({32});
  values[0] = 127.0F;  // d = 1
  values[1] = 0.5F;
  values[2] = -0.5F;
  values[3] = 2.5F;
  values[4] = -2.5F;
  values[5] = 0.49F;
  const auto encoded = codec_of(8)->encode(values);
  const auto* bytes = static_cast<const std::uint8_t*>(encoded.const_data_ptr());
  EXPECT_EQ(bytes[0], 0x00);  // 1.0 as f16
  EXPECT_EQ(bytes[1], 0x3C);
  const auto q = [&](int i) { return static_cast<int>(static_cast<std::int8_t>(bytes[2 + i])); };
  EXPECT_EQ(q(0), 127);
  EXPECT_EQ(q(1), 1);
  EXPECT_EQ(q(2), -1);
  EXPECT_EQ(q(3), 3);
  EXPECT_EQ(q(4), -3);
  EXPECT_EQ(q(5), 0);
}

TEST(Codec, Q80OfZerosIsZeros) {
  const auto encoded = codec_of(8)->encode(at::zeros({64}));
  EXPECT_TRUE(at::equal(encoded, at::zeros({68}, at::kByte)));
}

}  // namespace
}  // namespace sqpsych
