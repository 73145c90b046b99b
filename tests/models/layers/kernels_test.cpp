#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/log_softmax.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>

#include "models/kernels/cross_entropy.h"
#include "models/kernels/rms_norm.h"
#include "models/kernels/rope.h"
#include "models/kernels/swiglu.h"
#include "models/layers/rope_table.h"
#include "tests/models/layers/small_decoder.h"

namespace sqpsych {
namespace {

using testing::random_tensor;
using testing::relative_difference;

TEST(RmsNorm, FollowsItsFormula) {
  const auto x = random_tensor({3, 4}, 1);
  const auto weight = random_tensor({4}, 2);
  const auto y = rms_norm(x, weight, 0.01);
  for (int t = 0; t < 3; ++t) {
    double squares = 0;
    for (int i = 0; i < 4; ++i) squares += std::pow(x[t][i].item<double>(), 2);
    for (int i = 0; i < 4; ++i)
      EXPECT_NEAR(y[t][i].item<double>(),
                  x[t][i].item<double>() / std::sqrt(squares / 4 + 0.01) * weight[i].item<double>(),
                  1e-12);
  }
}

TEST(Swiglu, FollowsItsFormula) {
  const auto gate = random_tensor({2, 3}, 1);
  const auto up = random_tensor({2, 3}, 2);
  const auto y = swiglu(gate, up);
  for (int t = 0; t < 2; ++t)
    for (int i = 0; i < 3; ++i) {
      const double g = gate[t][i].item<double>();
      EXPECT_NEAR(y[t][i].item<double>(), g / (1 + std::exp(-g)) * up[t][i].item<double>(), 1e-12);
    }
}

TEST(Rope, RotatesPairsOfHalvesAndLeavesTheRest) {
  const RopeFeatures rope_features{100, 4, std::nullopt, {}};
  RopeTable table(rope_features, at::kCPU);
  const auto angles = table.range(2, 1);
  const auto x = random_tensor({1, 1, 6}, 3);
  const auto y = rope(x, angles.cos_TF, angles.sin_TF);
  const double frequencies[] = {1.0, 0.1};
  for (int i = 0; i < 2; ++i) {
    const double angle = 2 * frequencies[i];
    const double a = x[0][0][i].item<double>();
    const double b = x[0][0][i + 2].item<double>();
    EXPECT_NEAR(y[0][0][i].item<double>(), a * std::cos(angle) - b * std::sin(angle), 1e-6);
    EXPECT_NEAR(y[0][0][i + 2].item<double>(), b * std::cos(angle) + a * std::sin(angle), 1e-6);
  }
  for (int i = 4; i < 6; ++i) EXPECT_EQ(y[0][0][i].item<double>(), x[0][0][i].item<double>());
}

// The settings of Llama 3.2: theta 500000, head_dim 64, factor 32, low 1, high 4,
// original 8192: inv_freq / unscaled inv_freq is 1, then blends, then 1/32.
TEST(Rope, WavelengthScalingKeepsShortAndStretchesLongWaves) {
  RopeFeatures rope_features{500000, 64, false, WavelengthRopeScaling{32, 1, 4, 8192}, {}};
  const auto divisors = rope_frequency_divisors(rope_features);
  ASSERT_EQ(divisors.size(), 32u);
  EXPECT_EQ(divisors.front(), 1.0f);
  EXPECT_EQ(divisors.back(), 32.0f);
  const int i = 16;  // wavelength 2 pi 500000^(1/2) = 4442.9, between 2048 and 8192
  const double wavelength = 2 * 3.14159265358979 * std::pow(500000.0, 2.0 * i / 64);
  const double blend = (8192 / wavelength - 1) / 3;
  EXPECT_NEAR(divisors[i], 1 / ((1 - blend) / 32 + blend), 1e-5);
  rope_features.frequency_divisors = std::vector<float>(32, 2.0f);
  EXPECT_EQ(rope_frequency_divisors(rope_features)[0], 2.0f) << "a file's own divisors come first";
}

struct HeadCase {
  HeadInputs inputs;
  at::Tensor targets_S;

  explicit HeadCase(std::int64_t vocabulary_size, bool low_rank) {
    inputs.hidden_SE = random_tensor({40, 6}, 1).requires_grad_(true);
    inputs.weight_VE = random_tensor({vocabulary_size, 6}, 2).requires_grad_(true);
    if (low_rank) {
      inputs.inner_SR = random_tensor({40, 2}, 3).requires_grad_(true);
      inputs.inner_weight_VR = random_tensor({vocabulary_size, 2}, 4).requires_grad_(true);
    }
    targets_S = at::arange(40, at::kLong) * 7919 % vocabulary_size;
  }
  std::vector<at::Tensor> leaves() const {
    std::vector<at::Tensor> all = {inputs.hidden_SE, inputs.weight_VE};
    if (inputs.inner_SR.defined()) {
      all.push_back(inputs.inner_SR);
      all.push_back(inputs.inner_weight_VR);
    }
    return all;
  }
};

TEST(CrossEntropy, ChunksEqualWholeLogitsInLossAndGradients) {
  for (const bool low_rank : {false, true})
    for (const std::int64_t vocabulary_size : {11, 300000}) {  // 300000: three chunks
      const HeadCase chunked(vocabulary_size, low_rank), whole(vocabulary_size, low_rank);
      const auto loss = linear_cross_entropy_sum(chunked.inputs, chunked.targets_S);
      const auto expected = linear_cross_entropy_sum_reference(whole.inputs, whole.targets_S);
      EXPECT_NEAR(loss.item<double>(), expected.item<double>(), 1e-11 * expected.item<double>());
      (loss * 0.5).backward();
      (expected * 0.5).backward();
      for (std::size_t i = 0; i < whole.leaves().size(); ++i)
        EXPECT_LE(relative_difference(chunked.leaves()[i].grad(), whole.leaves()[i].grad()), 1e-11)
            << i;
      const at::NoGradGuard guard;
      EXPECT_NEAR(linear_cross_entropy_sum(chunked.inputs, chunked.targets_S).item<double>(),
                  loss.item<double>(), 1e-11 * loss.item<double>());
    }
}

TEST(CrossEntropy, CountsSupervisedTokensOnlyAndAllowsNone) {
  const auto decoder = testing::random_decoder(testing::small_features(), at::kFloat);
  const auto hidden = decoder->hidden(pack_ids({{1, 2, 3, 4}}));
  auto targets = at::empty({4}, at::kLong).fill_(-1);
  EXPECT_EQ(supervised_cross_entropy_sum(*decoder, hidden, targets).item<float>(), 0);
  targets[1] = 3;
  const auto expected = -at::log_softmax(decoder->logits(hidden)[1], 0)[3];
  EXPECT_NEAR(supervised_cross_entropy_sum(*decoder, hidden, targets).item<float>(),
              expected.item<float>(), 1e-5);
}

}  // namespace
}  // namespace sqpsych
