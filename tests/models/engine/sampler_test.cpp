#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>

#include "core/random.h"
#include "models/engine/engine.h"

namespace sqpsych {
namespace {

at::Tensor logits_of(std::vector<float> values) { return at::tensor(values); }

/// Probabilities 0.5, 0.25, 0.15, 0.1 in shuffled order.
at::Tensor four_tokens() {
  return logits_of({std::log(0.15f), std::log(0.5f), std::log(0.1f), std::log(0.25f)});
}

/// Share of each id over evenly spread draws.
std::map<TokenId, double> shares(const SamplingOptions& options,
                                 const std::vector<TokenId>& history = {}) {
  constexpr int kDraws = 10000;
  std::map<TokenId, double> counts;
  for (int i = 0; i < kDraws; ++i)
    counts[sample_token(four_tokens(), options, history, (i + 0.5) / kDraws)] += 1.0 / kDraws;
  return counts;
}

SamplingOptions plain() {
  SamplingOptions options;
  options.temperature = 1;
  return options;
}

TEST(Sampler, DrawsByProbability) {
  auto found = shares(plain());
  EXPECT_NEAR(found[0], 0.15, 1e-3);
  EXPECT_NEAR(found[1], 0.5, 1e-3);
  EXPECT_NEAR(found[2], 0.1, 1e-3);
  EXPECT_NEAR(found[3], 0.25, 1e-3);
}

TEST(Sampler, TemperatureSharpensAndZeroIsGreedy) {
  auto options = plain();
  options.temperature = 0.5;
  EXPECT_NEAR(shares(options)[1], 0.25 / (0.25 + 0.0625 + 0.0225 + 0.01), 1e-3);
  options.temperature = 0;
  EXPECT_EQ(shares(options).size(), 1u);
  EXPECT_EQ(sample_token(logits_of({1, 3, 3}), options, {}, 0.9), 1) << "ties go to the lower id";
}

TEST(Sampler, FiltersKeepWhatTheyPromise) {
  auto options = plain();
  options.top_k = 2;
  auto found = shares(options);
  EXPECT_EQ(found.size(), 2u);
  EXPECT_NEAR(found[1], 2.0 / 3, 1e-3);
  options = plain();
  options.top_p = 0.7;  // 0.5 alone is less, 0.5 + 0.25 is enough
  found = shares(options);
  EXPECT_EQ(found.size(), 2u);
  EXPECT_TRUE(found.count(1) && found.count(3));
  options.top_p = 0;
  EXPECT_EQ(shares(options).size(), 1u) << "one token always stays";
  options = plain();
  options.min_p = 0.25;  // below 0.125
  EXPECT_EQ(shares(options).size(), 3u);
  options.min_p = 1;
  EXPECT_EQ(shares(options).size(), 1u);
}

TEST(Sampler, RepetitionPenaltyDividesPositiveAndMultipliesNegativeLogitsOnce) {
  auto options = plain();
  options.temperature = 0;
  options.repetition_penalty = 2;
  EXPECT_EQ(sample_token(logits_of({4, 3, -1}), options, {0, 0, 0}, 0), 1);
  EXPECT_EQ(sample_token(logits_of({-1, -1.5}), options, {0}, 0), 1);
  EXPECT_EQ(sample_token(logits_of({4, 1.9f}), options, {0, 0}, 0), 0)
      << "once per token, not per occurrence";
}

TEST(Sampler, RefusesNanAndSurvivesInfinity) {
  const auto nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THROW(sample_token(logits_of({1, nan}), plain(), {}, 0.5), FormatError);
  const auto infinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(sample_token(logits_of({-infinity, 1, -infinity}), plain(), {}, 0.999999), 1);
}

}  // namespace
}  // namespace sqpsych
