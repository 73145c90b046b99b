#include "data/packing/pack.h"

#include <gmock/gmock.h>

#include <numeric>

#include "core/error.h"
#include "core/random.h"

namespace sqpsych {
namespace {

using ::testing::ElementsAre;

TEST(PackRows, FillsTheFullestPackThatFits) {
  // 6, 5, 4, 3, 2: 4 joins 6, then 5 + 3 + 2.
  EXPECT_THAT(pack_rows({5, 4, 6, 3, 2}, 10), ElementsAre(ElementsAre(0, 3, 4), ElementsAre(1, 2)));
}

TEST(PackRows, LosesNoRowAndNeverOverflows) {
  RandomStream random(3);
  for (int round = 0; round < 50; ++round) {
    std::vector<std::size_t> lengths(random.below(200));
    for (auto& length : lengths) length = 1 + random.below(64);
    const auto packs = pack_rows(lengths, 64);
    std::vector<int> seen(lengths.size());
    for (const auto& pack : packs) {
      std::size_t tokens = 0;
      for (const auto row : pack) {
        ++seen[row];
        tokens += lengths[row];
      }
      EXPECT_LE(tokens, 64U);
      EXPECT_TRUE(std::is_sorted(pack.begin(), pack.end()));
    }
    EXPECT_EQ(std::count(seen.begin(), seen.end(), 1), std::ssize(seen));
    EXPECT_EQ(packs, pack_rows(lengths, 64));
    const std::size_t total = std::accumulate(lengths.begin(), lengths.end(), std::size_t{0});
    EXPECT_LE(packs.size(), 1 + 2 * total / 64) << "at most one pack is half empty";
  }
}

TEST(PackRows, KnowsItsEdges) {
  EXPECT_TRUE(pack_rows({}, 8).empty());
  EXPECT_TRUE(pack_rows({}, 0).empty());
  EXPECT_THAT(pack_rows({3, 900, 2}, 0), ElementsAre(ElementsAre(0, 1, 2)));
  EXPECT_THAT(pack_rows({1, 1}, 1), ElementsAre(ElementsAre(0), ElementsAre(1)));
  EXPECT_THROW(pack_rows({9}, 8), BugError);
}

TEST(LayOutPack, NumbersEveryToken) {
  const std::vector<TokenizedRow> rows = {
      {"a", "", {1, 7, 8}, {0, 1, 1}}, {"b", "", {1}, {0}}, {"c", "", {1, 9}, {1, 1}}};
  const PackLayout layout = lay_out_pack(rows, {0, 2});
  EXPECT_THAT(layout.ids, ElementsAre(1, 7, 8, 1, 9));
  EXPECT_THAT(layout.positions, ElementsAre(0, 1, 2, 0, 1));
  EXPECT_THAT(layout.cu_seqlens, ElementsAre(0, 3, 5));
  EXPECT_THAT(layout.row_numbers, ElementsAre(0, 0, 0, 2, 2));
  EXPECT_THAT(layout.token_positions, ElementsAre(0, 1, 2, 0, 1));
  EXPECT_THAT(layout.supervised, ElementsAre(0, 1, 1, 0, 1))
      << "nothing stands before a row's first token";
}

}  // namespace
}  // namespace sqpsych
