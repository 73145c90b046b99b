#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>

#include "models/kernels/cross_entropy.h"
#include "models/kernels/geglu.h"
#include "models/kernels/layer_norm.h"
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

TEST(RmsNorm, PlusOneIsTheSameWithOneMore) {
  const auto x = random_tensor({3, 4}, 1);
  const auto weight = random_tensor({4}, 2);
  EXPECT_LE(
      testing::max_difference(rms_norm_plus_one(x, weight, 0.01), rms_norm(x, weight + 1, 0.01)),
      1e-12);
}

TEST(LayerNorm, FollowsItsFormulaPerHead) {
  const auto x = random_tensor({3, 2, 4}, 1);
  const auto weight = random_tensor({2, 4}, 2);
  const auto y = layer_norm(x, weight, 0.01);
  const auto mean = x.mean(-1, true);
  const auto variance = (x - mean).square().mean(-1, true);
  EXPECT_LE(testing::max_difference(y, (x - mean) / (variance + 0.01).sqrt() * weight), 1e-12);
}

TEST(Geglu, FollowsItsFormula) {
  const auto gate = random_tensor({2, 3}, 1);
  const auto up = random_tensor({2, 3}, 2);
  const auto inner = (gate + gate.pow(3) * 0.044715) * std::sqrt(2 / 3.14159265358979);
  EXPECT_LE(testing::max_difference(geglu(gate, up), gate * 0.5 * (inner.tanh() + 1) * up), 1e-12);
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
  const RopeFeatures rope_features{100, 4, false, {}, {}};
  const auto angles = Rotary(rope_features, at::kCPU).range(2, 1, 3);
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

TEST(Rope, InterleavedRotatesNeighboursAsHalvesRotateReorderedOnes) {
  const auto angles = Rotary(RopeFeatures{100, 4, true, {}, {}}, at::kCPU).range(0, 3, 3);
  const auto x = random_tensor({3, 2, 6}, 3);
  const auto to_halves = at::tensor({0, 2, 1, 3, 4, 5});
  const auto found = rope_interleaved(x, angles.cos_TF, angles.sin_TF).index_select(2, to_halves);
  const auto expected = rope(x.index_select(2, to_halves), angles.cos_TF, angles.sin_TF);
  EXPECT_LE(testing::max_difference(found, expected), 1e-12);
}

// YaRN: high frequencies stay, low ones are divided by the factor, between them a ramp.
TEST(Rope, YarnStretchesLowFrequenciesAndScalesScores) {
  RopeFeatures features{10000, 64, false, YarnRopeScaling{4, 32, 1, 4096, std::nullopt, true}, {}};
  const auto scaled = rope_frequencies(features, 1);
  EXPECT_NEAR(rope_attention_factor(features), 0.1 * std::log(4.0) + 1, 1e-12);
  features.scaling = std::monostate{};
  const auto share = scaled / rope_frequencies(features, 1);
  EXPECT_FLOAT_EQ(share[0].item<float>(), 1);
  EXPECT_FLOAT_EQ(share[31].item<float>(), 0.25);
  EXPECT_TRUE((share.narrow(0, 1, 31) <= share.narrow(0, 0, 31)).all().item<bool>());
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
      HeadCase chunked(vocabulary_size, low_rank), whole(vocabulary_size, low_rank);
      if (low_rank) chunked.inputs.shape = whole.inputs.shape = {0.7, 2.5};
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

// 1/255 rounded to bf16 first would raise every gradient by 0.39 %.
TEST(CrossEntropy, ScalesSixteenBitGradientsByTheUnroundedFactor) {
  const HeadCase wide(300, false);
  HeadInputs inputs = wide.inputs;
  inputs.hidden_SE = wide.inputs.hidden_SE.detach().to(at::kBFloat16).requires_grad_(true);
  inputs.weight_VE = wide.inputs.weight_VE.detach().to(at::kBFloat16).requires_grad_(true);
  const auto gradient = [&](double divisor) {
    (linear_cross_entropy_sum(inputs, wide.targets_S) / divisor).backward();
    auto result = inputs.hidden_SE.grad();
    inputs.hidden_SE.mutable_grad().reset();
    return result;
  };
  const auto expected = (gradient(1).to(at::kFloat) * (1.0F / 255.0F)).to(at::kBFloat16);
  EXPECT_TRUE(at::equal(gradient(255), expected));
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
