#include "core/random.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

namespace sqpsych {
namespace {

TEST(Random, SeedsDependOnEveryPartAndItsKind) {
  const std::set<std::uint64_t> seeds = {derive_seed({"ab", "c"}),
                                         derive_seed({"a", "bc"}),
                                         derive_seed({"abc"}),
                                         derive_seed({"1"}),
                                         derive_seed({std::int64_t{1}}),
                                         derive_seed({std::int64_t{1}, std::int64_t{1}}),
                                         derive_seed({std::int64_t{11}}),
                                         derive_seed({})};
  EXPECT_EQ(seeds.size(), 8u);
  EXPECT_EQ(derive_seed({"run", std::int64_t{7}}), derive_seed({"run", std::int64_t{7}}));
  for (const auto seed : seeds) EXPECT_LT(seed, std::uint64_t{1} << 63);
}

TEST(Random, StreamsAreTheSameOnEveryMachine) {
  // First outputs of splitmix64 from state 0 (Steele, Lea, Flood 2014; reference C code by Vigna).
  RandomStream stream(0);
  EXPECT_EQ(stream.next(), 0xE220A8397B1DCDAFULL);
  EXPECT_EQ(stream.next(), 0x6E789E6AA1B965F4ULL);
  EXPECT_EQ(stream.next(), 0x06C45D188009454FULL);
}

TEST(Random, BelowCoversItsRangeEvenly) {
  RandomStream stream(3);
  std::vector<int> counts(7);
  for (int i = 0; i < 70000; ++i) ++counts[stream.below(7)];
  for (const int count : counts) EXPECT_NEAR(count, 10000, 400);
}

TEST(Random, NormalHasUnitVariance) {
  RandomStream stream(5);
  double sum = 0, squares = 0;
  constexpr int kDraws = 100000;
  for (int i = 0; i < kDraws; ++i) {
    const double value = stream.normal();
    sum += value;
    squares += value * value;
  }
  EXPECT_NEAR(sum / kDraws, 0, 0.02);
  EXPECT_NEAR(squares / kDraws, 1, 0.02);
}

TEST(Random, ShuffleIsAPermutation) {
  std::vector<int> items(100);
  for (int i = 0; i < 100; ++i) items[i] = i;
  auto shuffled = items;
  RandomStream(9).shuffle(shuffled);
  EXPECT_NE(shuffled, items);
  EXPECT_EQ(std::set<int>(shuffled.begin(), shuffled.end()).size(), 100u);
}

}  // namespace
}  // namespace sqpsych
