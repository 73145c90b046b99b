// Two paths of our own must agree: packed = single, prefill = token by token, adapter = merged.
#include "models/layers/decoder.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/mm.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include "core/error.h"
#include "models/kernels/cross_entropy.h"
#include "tests/models/layers/small_decoder.h"

namespace sqpsych {
namespace {

using namespace testing;  // NOLINT: shared helpers

using Ids = std::vector<std::int32_t>;

const std::vector<Ids> kRows = {{3, 7, 11, 2, 9}, {5}, {1, 4, 8, 16, 32, 49, 0, 13}, {20, 21}};
constexpr double kFloatBound = 1e-5;

at::Tensor logits_of(const Decoder& decoder, const std::vector<Ids>& rows) {
  return decoder.logits(decoder.hidden(pack_ids(rows)));
}

class EveryFeature : public ::testing::TestWithParam<int> {
 protected:
  DecoderFeatures features() const { return every_feature()[static_cast<std::size_t>(GetParam())]; }
  void SetUp() override { at::GradMode::set_enabled(false); }
  void TearDown() override { at::GradMode::set_enabled(true); }
};
INSTANTIATE_TEST_SUITE_P(Decoder, EveryFeature,
                         ::testing::Range(0, static_cast<int>(every_feature().size())));

TEST_P(EveryFeature, PackedEqualsSingle) {
  const auto decoder = random_decoder(features(), at::kFloat);
  std::vector<at::Tensor> single;
  for (const auto& row : kRows) single.push_back(logits_of(*decoder, {row}));
  EXPECT_LE(relative_difference(logits_of(*decoder, kRows), at::cat(single)), kFloatBound);
}

TEST_P(EveryFeature, PrefillEqualsTokenByTokenAndChunks) {
  const auto decoder = random_decoder(features(), at::kFloat);
  const auto& row = kRows[2];
  const auto whole = logits_of(*decoder, {row});
  for (const std::vector<std::size_t>& chunks :
       {std::vector<std::size_t>(8, 1), {8}, {3, 5}, {1, 6, 1}, {4, 1, 3}}) {
    KvCache cache(features(), 16, at::kFloat, at::kCPU);
    std::vector<at::Tensor> parts;
    std::size_t begin = 0;
    for (const auto length : chunks) {
      const Ids part(row.begin() + static_cast<std::ptrdiff_t>(begin),
                     row.begin() + static_cast<std::ptrdiff_t>(begin + length));
      parts.push_back(decoder->logits(decoder->hidden(pack_ids({part}), {nullptr, &cache, 8})));
      begin += length;
    }
    EXPECT_EQ(cache.length(), 8);
    EXPECT_LE(relative_difference(at::cat(parts), whole), kFloatBound)
        << "first chunk " << chunks[0];
  }
}

TEST_P(EveryFeature, TruncatedAndGrownCacheContinues) {
  const auto decoder = random_decoder(features(), at::kFloat);
  const auto whole = logits_of(*decoder, {kRows[2]});
  KvCache cache(features(), 8, at::kFloat, at::kCPU);
  decoder->hidden(pack_ids({{1, 4, 8, 40, 41, 42}}), {nullptr, &cache, 8});
  cache.truncate(3);
  cache.reserve(20);
  EXPECT_EQ(cache.capacity(), 20);
  const auto rest =
      decoder->logits(decoder->hidden(pack_ids({{16, 32, 49, 0, 13}}), {nullptr, &cache}));
  EXPECT_LE(relative_difference(rest, whole.narrow(0, 3, 5)), kFloatBound);
}

TEST(Decoder, CacheOfAShortSequenceIsNotContinuedBeyondTheOriginalContext) {
  const at::NoGradGuard guard;
  const auto features = fused_features();
  const auto decoder = random_decoder(features, at::kFloat);
  EXPECT_FALSE(decoder->is_extended(4));
  EXPECT_TRUE(decoder->is_extended(5));
  KvCache cache(features, 8, at::kFloat, at::kCPU);
  decoder->hidden(pack_ids({{1, 4, 8, 16}}), {nullptr, &cache});
  EXPECT_FALSE(cache.is_extended());
  EXPECT_THROW(decoder->hidden(pack_ids({Ids{32}}), {nullptr, &cache}), BugError);
  const auto short_logits = logits_of(*decoder, {{1, 4, 8, 16}});
  const auto long_logits = logits_of(*decoder, {{1, 4, 8, 16, 32}}).narrow(0, 0, 4);
  EXPECT_GE(relative_difference(short_logits, long_logits), 1e-3) << "the factors must matter";
}

TEST_P(EveryFeature, AdapterEqualsMergedWeights) {
  const auto decoder = random_decoder(features(), at::kFloat);
  const auto base = logits_of(*decoder, kRows);
  EXPECT_FALSE(decoder->has_adapter());
  attach_random_adapter(*decoder, 3, at::kFloat);
  EXPECT_TRUE(decoder->has_adapter());
  const auto adapted = logits_of(*decoder, kRows);
  for (const auto& [name, linear] : decoder->linears()) {
    linear->weight_OI +=
        at::mm(linear->low_rank->b_OR, linear->low_rank->a_RI) * linear->low_rank->scale;
    linear->low_rank.reset();
  }
  EXPECT_LE(relative_difference(adapted, logits_of(*decoder, kRows)), kFloatBound);
  EXPECT_GE(relative_difference(adapted, base), 1e-2) << "the adapter must matter for this test";
}

TEST_P(EveryFeature, Bfloat16StaysNearFp32) {
  const auto wide = random_decoder(features(), at::kFloat);
  const auto narrow = random_decoder(features(), at::kBFloat16);
  const auto logits = logits_of(*narrow, kRows);
  EXPECT_EQ(logits.scalar_type(), at::kBFloat16);
  EXPECT_LE(relative_difference(logits, logits_of(*wide, kRows)), 5e-2);
}

TEST_P(EveryFeature, NamesAndShapesAgree) {
  Decoder decoder(features(), at::kFloat, at::kCPU);
  const auto shapes = parameter_shapes(features());
  const auto parameters = decoder.parameters();
  ASSERT_EQ(parameters.size(), shapes.size());
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    EXPECT_EQ(parameters[i].first, shapes[i].first);
    EXPECT_EQ(parameters[i].second->sizes().vec(), shapes[i].second);
  }
}

TEST(Decoder, GradientNeverCrossesPackedRows) {
  const auto features = small_features();
  const auto decoder = random_decoder(features, at::kFloat);
  auto& embedding = *decoder->parameters()[0].second;
  embedding.requires_grad_(true);
  const auto hidden = decoder->hidden(pack_ids(kRows));
  auto targets = at::empty({hidden.size(0)}, at::kLong).fill_(-1);
  targets[7] = 8;  // inside the third row, which holds 1 4 8 16 32 49 0 13
  supervised_cross_entropy_sum(*decoder, hidden, targets).backward();
  const auto per_token = embedding.grad().abs().sum(1);
  for (const std::int32_t id : {3, 7, 11, 2, 9, 5, 20, 21})
    EXPECT_EQ(per_token[id].item<float>(), 0) << id;
  for (const std::int32_t id : {16, 32, 49, 0, 13})
    EXPECT_EQ(per_token[id].item<float>(), 0) << "later token " << id;
  for (const std::int32_t id : {1, 4}) EXPECT_GT(per_token[id].item<float>(), 0) << id;
}

TEST(Decoder, LongPositionsGrowTheAngleTable) {
  auto features = small_features();
  features.context_length = 3000;
  const auto decoder = random_decoder(features, at::kFloat);
  const at::NoGradGuard guard;
  const Ids row(1500, 7);
  const auto logits = logits_of(*decoder, {row, {1, 2}});
  EXPECT_LE(relative_difference(logits.narrow(0, 1500, 2), logits_of(*decoder, {{1, 2}})),
            kFloatBound);
}

}  // namespace
}  // namespace sqpsych
