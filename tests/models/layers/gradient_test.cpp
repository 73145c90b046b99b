// Analytic gradients against central differences in float64.
#include <ATen/TensorOperators.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include "models/kernels/cross_entropy.h"
#include "tests/models/layers/small_decoder.h"

namespace sqpsych {
namespace {

using namespace testing;  // NOLINT: shared helpers

struct Problem {
  std::unique_ptr<Decoder> decoder;
  PackedIds packed = pack_ids({{3, 7, 11, 2}, {5, 1, 4, 8, 16}});
  at::Tensor targets_T = at::empty({9}, at::kLong).fill_(-1);
  DropoutKey dropout;

  explicit Problem(const DecoderFeatures& features)
      : decoder(random_decoder(features, at::kDouble)) {
    const std::int64_t supervised[][2] = {{0, 7}, {2, 2}, {5, 4}, {6, 8}, {7, 16}};
    for (const auto& [token, id] : supervised) targets_T[token] = id;
    attach_random_adapter(*decoder, 2, at::kDouble);
    for (const auto& [name, linear] : decoder->linears()) linear->low_rank->dropout = 0.3;
    dropout = {7, 3, at::empty({9}, at::kLong), packed.positions_T};
    dropout.rows_T.narrow(0, 0, 4).fill_(12);
    dropout.rows_T.narrow(0, 4, 5).fill_(40);
  }
  at::Tensor loss() const {
    return supervised_cross_entropy_sum(*decoder, decoder->hidden(packed, {&dropout, nullptr}),
                                        targets_T, &dropout);
  }
  /// Every tensor that can be trained, with its name.
  std::vector<std::pair<std::string, at::Tensor>> trainables() {
    std::vector<std::pair<std::string, at::Tensor>> all;
    for (const auto& [name, parameter] : decoder->parameters()) all.push_back({name, *parameter});
    for (const auto& [name, linear] : decoder->linears()) {
      all.push_back({name + ".a", linear->low_rank->a_RI});
      all.push_back({name + ".b", linear->low_rank->b_OR});
    }
    return all;
  }
};

double difference_quotient(const Problem& problem, const at::Tensor& tensor, std::int64_t index) {
  constexpr double kStep = 1e-5;
  const at::NoGradGuard guard;
  auto* value = tensor.mutable_data_ptr<double>() + index;
  const double before = *value;
  *value = before + kStep;
  const double above = problem.loss().item<double>();
  *value = before - kStep;
  const double below = problem.loss().item<double>();
  *value = before;
  return (above - below) / (2 * kStep);
}

class Gradients : public ::testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Decoder, Gradients,
                         ::testing::Range(0, static_cast<int>(every_feature().size())));

TEST_P(Gradients, EqualFiniteDifferencesForWeightsAndFactors) {
  Problem problem(every_feature()[static_cast<std::size_t>(GetParam())]);
  for (auto& [name, tensor] : problem.trainables()) tensor.requires_grad_(true);
  problem.loss().backward();
  for (const auto& [name, tensor] : problem.trainables()) {
    ASSERT_TRUE(tensor.grad().defined()) << name;
    const auto grad = tensor.grad().contiguous();
    // The largest entry (surely not noise) and a few fixed ones.
    const auto largest = grad.abs().argmax().item<std::int64_t>();
    for (const auto index : {largest, std::int64_t{0}, grad.numel() / 2, grad.numel() - 1}) {
      const double expected = difference_quotient(problem, tensor, index);
      EXPECT_NEAR(grad.const_data_ptr<double>()[index], expected,
                  1e-6 * std::max(1.0, std::abs(expected)))
          << name << " [" << index << "]";
    }
    EXPECT_GT(grad.abs().max().item<double>(), 1e-4) << name << " must matter for this test";
  }
}

TEST(Gradients, FrozenBaseGivesFactorsTheSameGradient) {
  Problem all(small_features());
  for (auto& [name, tensor] : all.trainables()) tensor.requires_grad_(true);
  all.loss().backward();
  Problem frozen(small_features());
  for (const auto& [name, linear] : frozen.decoder->linears()) {
    linear->low_rank->a_RI.requires_grad_(true);
    linear->low_rank->b_OR.requires_grad_(true);
  }
  frozen.loss().backward();
  for (std::size_t i = 0; i < all.decoder->linears().size(); ++i) {
    const auto& expected = *all.decoder->linears()[i].second->low_rank;
    const auto& found = *frozen.decoder->linears()[i].second->low_rank;
    EXPECT_LE(relative_difference(found.a_RI.grad(), expected.a_RI.grad()), 1e-12);
    EXPECT_LE(relative_difference(found.b_OR.grad(), expected.b_OR.grad()), 1e-12);
  }
  for (const auto& [name, parameter] : frozen.decoder->parameters())
    EXPECT_FALSE(parameter->grad().defined()) << name;
}

}  // namespace
}  // namespace sqpsych
