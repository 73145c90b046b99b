#include "models/tokenizers/pipeline/charsmap.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

namespace sqpsych::tokenizers {
namespace {

/// A map of one entry: 'a' to the text that begins at `begin` of `texts`.
Charsmap map_of_a(std::uint32_t begin, std::string_view texts) {
  std::vector<std::uint32_t> units(0x63);
  constexpr std::uint32_t kLeaf = 1U << 8;
  constexpr std::uint32_t kOffset = 3U << 10;  // 'a' ^ 3 is the place of its value
  units['a'] = 'a' | kLeaf | kOffset;
  units['a' ^ 3] = begin;
  const auto trie_size = static_cast<std::uint32_t>(units.size() * sizeof(std::uint32_t));
  std::string bytes(sizeof trie_size + trie_size, '\0');
  std::memcpy(bytes.data(), &trie_size, sizeof trie_size);
  std::memcpy(bytes.data() + sizeof trie_size, units.data(), trie_size);
  return Charsmap(bytes.append(texts), "test");
}

TEST(Charsmap, GivesTheTextsItPointsAt) {
  using namespace std::string_view_literals;
  constexpr auto kTexts = "x\0\xC3\xA9!\0"sv;
  EXPECT_EQ(map_of_a(0, kTexts).replacement("ab"), "x");
  EXPECT_EQ(map_of_a(2, kTexts).replacement("a"), "\xC3\xA9!");
  EXPECT_EQ(map_of_a(4, kTexts).replacement("a"), "!");
  EXPECT_EQ(map_of_a(0, kTexts).replacement("b"), std::nullopt);
}

TEST(Charsmap, NeverGivesHalfACharacterOrWhatLiesOutside) {
  EXPECT_EQ(map_of_a(1, "\xC3\xA9!").replacement("a"), std::nullopt);
  EXPECT_EQ(map_of_a(4, "\xC3\xA9!").replacement("a"), std::nullopt);
}

}  // namespace
}  // namespace sqpsych::tokenizers
