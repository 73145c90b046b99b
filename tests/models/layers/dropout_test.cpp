#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <gtest/gtest.h>

#include "tests/models/layers/small_decoder.h"

namespace sqpsych {
namespace {

DropoutKey key_of(std::int64_t row, std::int64_t tokens, std::uint64_t seed = 5,
                  std::int64_t step = 9) {
  return {seed, step, at::full({tokens}, row, at::kLong), at::arange(tokens, at::kLong)};
}

TEST(DropoutMask, EqualsItsReference) {
  for (const std::int64_t width : {1, 2, 7, 64})
    for (const double p : {0.0, 0.1, 0.5, 0.9})
      EXPECT_TRUE(at::equal(dropout_mask(key_of(3, 11), 77, p, width),
                            dropout_mask_reference(key_of(3, 11), 77, p, width)))
          << width << " " << p;
}

TEST(DropoutMask, DependsOnEveryPartOfTheKeyAlone) {
  const auto mask = dropout_mask(key_of(3, 40), 77, 0.5, 64);
  EXPECT_TRUE(at::equal(mask, dropout_mask(key_of(3, 40), 77, 0.5, 64)));
  EXPECT_FALSE(at::equal(mask, dropout_mask(key_of(3, 40, 6), 77, 0.5, 64))) << "seed";
  EXPECT_FALSE(at::equal(mask, dropout_mask(key_of(3, 40, 5, 10), 77, 0.5, 64))) << "step";
  EXPECT_FALSE(at::equal(mask, dropout_mask(key_of(4, 40), 77, 0.5, 64))) << "row";
  EXPECT_FALSE(at::equal(mask, dropout_mask(key_of(3, 40), 78, 0.5, 64))) << "module";
  EXPECT_FALSE(at::equal(mask[0], mask[1])) << "token";
}

TEST(DropoutMask, IsTheSameWhereverTheTokenLies) {
  const auto a = key_of(3, 10);
  const auto b = key_of(8, 6);
  const DropoutKey packed{5, 9, at::cat({b.rows_T, a.rows_T}), at::cat({b.tokens_T, a.tokens_T})};
  EXPECT_TRUE(
      at::equal(dropout_mask(packed, 77, 0.3, 20).narrow(0, 6, 10), dropout_mask(a, 77, 0.3, 20)));
}

TEST(DropoutMask, DropsTheAskedShareAndKeepsTheMean) {
  for (const double p : {0.05, 0.3, 0.8}) {
    const auto mask = dropout_mask(key_of(1, 2000), 5, p, 100);
    EXPECT_NEAR(mask.eq(0).to(at::kDouble).mean().item<double>(), p, 0.005);
    EXPECT_NEAR(mask.mean(at::kDouble).item<double>(), 1, 0.02);
  }
}

TEST(Linear, DropsInputsOfTheSidePathOnly) {
  auto features = testing::small_features();
  const auto decoder = testing::random_decoder(features, at::kFloat);
  auto& linear = *decoder->linears()[0].second;
  const auto x = testing::random_tensor({4, features.hidden_size}, 3).to(at::kFloat);
  const auto key = key_of(0, 4);
  const auto plain = linear.forward(x);
  EXPECT_TRUE(at::equal(linear.forward(x, &key), plain)) << "no side path, no dropout";
  testing::attach_random_adapter(*decoder, 2, at::kFloat);
  linear.low_rank->dropout = 0.5;
  const auto mask = dropout_mask(key, linear.module_id, 0.5, features.hidden_size);
  const auto side = (x * mask).matmul(linear.low_rank->a_RI.t()).matmul(linear.low_rank->b_OR.t()) *
                    linear.low_rank->scale;
  EXPECT_LE(testing::relative_difference(linear.forward(x, &key), plain + side), 1e-5);
}

}  // namespace
}  // namespace sqpsych
