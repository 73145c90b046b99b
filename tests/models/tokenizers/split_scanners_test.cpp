#include "models/tokenizers/pipeline/split_scanners.h"

#include <gtest/gtest.h>

#include <random>

#include "core/error.h"
#include "core/text.h"
#include "models/tokenizers/pipeline/split_patterns.h"
#include "models/tokenizers/pipeline/split_regex.h"

namespace sqpsych::tokenizers {
namespace {

/// Characters of every group that the patterns tell apart, all of Unicode 14.
std::string random_pieces(std::mt19937& random) {
  static const std::vector<std::string> parts = {
      " ",          "  ",         "\n",         "\r\n",   "\t",     "\x0B",   "\x1F",   "\u00a0",
      "\u3000",     "\u2028",     "\u180e",     "\u0085", "a",      "b",      "Z",      "é",
      "É",          "ǅ",          "ʰ",          "一",     "龥",     "ぁ",     "ヿ",     "가",
      "\u0301",     "\u0903",     "\u20dd",     "1",      "23",     "½",      "ⅷ",      "٣",
      "一",         "'",          "'s",         "'S",     "'ſ",     "'LL",    "'re",    "'v",
      "!",          "/",          "//",         "?",      "_",      "-",      "$",      "+",
      "€",          "🦙",       "—",          "。",     "\u200b", "\u200d", "\ue000", "\u0378",
      "\U00010400", "\U00010428", "\U0001d7ce", "ß",      "word",   "Word"};
  std::string text;
  const std::size_t count = random() % 12;
  for (std::size_t i = 0; i < count; ++i) text += parts[random() % parts.size()];
  return text;
}

TEST(SplitScanners, FindWhatTheirPatternsFind) {
  std::vector<std::string> names;
  for (const auto pattern :
       {patterns::kGpt2, patterns::kLlama3, patterns::kLlama3Spelled, patterns::kQwen2,
        patterns::kQwen2Spelled, patterns::kQwen35, patterns::kTekken, patterns::kGpt4o,
        patterns::kDigit, patterns::kThreeDigits, patterns::kHanAndKana,
        patterns::kDeepSeekWords}) {
    const SplitScanner scan = find_scanner(pattern);
    ASSERT_NE(scan, nullptr) << pattern;
    const SplitRegex regex(std::string(pattern), "test");
    std::mt19937 random(5);
    for (int i = 0; i < 20000; ++i) {
      const std::string text = random_pieces(random);
      std::vector<ByteSpan> found;
      std::vector<ByteSpan> expected;
      scan(text, found);
      regex.find_all(text, expected);
      ASSERT_EQ(found.size(), expected.size()) << pattern << "\n" << text;
      for (std::size_t k = 0; k < found.size(); ++k) {
        ASSERT_EQ(found[k].begin, expected[k].begin) << pattern << "\n" << text;
        ASSERT_EQ(found[k].end, expected[k].end) << pattern << "\n" << text;
      }
    }
  }
  EXPECT_EQ(find_scanner(R"(\p{L}+|\d)"), nullptr);
}

TEST(SplitPatterns, AreFoundByNameByFileAndBySpelling) {
  for (const auto& split : named_splits()) {
    EXPECT_EQ(find_split_by_name(split.name), &split);
    for (const auto pre : split.gguf_pres) EXPECT_EQ(find_split_by_gguf_pre(pre), &split);
    std::vector<std::string> written;
    for (const auto pattern : split.patterns)
      written.push_back(replace_all(std::string(pattern), R"([\r\n])", "[\r\n]"));
    EXPECT_EQ(find_split_by_patterns(written, split.ignore_merges), &split) << split.name;
  }
  EXPECT_EQ(find_split_by_patterns({std::string(patterns::kLlama3Spelled)}, true)->name, "llama3");
  EXPECT_EQ(find_split_by_patterns({}, false), nullptr);
}

TEST(Pcre2Pattern, SaysWhatOnigurumaMeans) {
  const std::vector<std::pair<const char*, const char*>> cases = {
      {R"(\s\S)", R"(\p{White_Space}\P{White_Space})"},
      {R"([^\s\]])", R"([^\p{White_Space}\]])"},
      {R"(\w)", R"([\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\x{B2}\x{B3}\x{B9}\x{BC}-\x{BE}])"},
      {R"(\p{Han}\P{^Latin}\p{^Greek})", R"(\p{sc:Han}\p{sc:Latin}\P{sc:Greek})"},
      {R"(\p{Lu}\p{UppercaseLetter})", R"(\p{Lu}\p{Lu})"},
      {R"([]a])", R"([\]a])"},
      {R"([[:alpha:]_])", R"([\p{Alphabetic}_])"},
      {R"(a{,3}b{,2}+)", R"(a{0,3}(?:b{0,2})+)"},
      {R"(a{}b{,})", R"(a{}b{,})"},
      {R"((?mi)a(?m-x:.))", R"((?si:a(?s-x:.)))"},
      {R"(a(?i)b|(c(?-i)d|e){2}+|(?=f))", R"(a(?i:b|(?:(c(?-i:d|e)){2})+|(?=f)))"},
      {R"(\v[\b])", R"(\x0B[\b])"},
      {R"(\x41\x{E9})", R"(\x41\x{E9})"},
      {R"([\p{Lu}&&[^\p{Han}]]+)", R"((?:(?=[^\p{sc:Han}])[\p{Lu}])+)"},
      {R"(\\s\[)", R"(\\s\[)"},
      {R"(a++|b{1,3}+c|[de]{2}+?)", R"(a++|(?:b{1,3})+c|(?:[de]{2})+?)"},
      {R"(x(?:y(z)){2,}+)", R"(x(?:(?:y(z)){2,})+)"},
      {R"(45{2}+6{3}7)", R"(4(?:5{2})+6{3}7)"},
  };
  for (const auto& [pattern, expected] : cases) EXPECT_EQ(pcre2_pattern(pattern, "x"), expected);
  for (const char* pattern : {"[a", "[a[b]]", R"([^\W])", "\\", R"(\pL)", "[^a&&[b]]", "[a&&b]",
                              R"(\xC3\xA9)", "[[:print:]]", "[[:^alpha:]]"})
    EXPECT_THROW(pcre2_pattern(pattern, "x"), FormatError) << pattern;
}

// U+32296 is a letter since Unicode 15, U+2EBF0 since 15.1, U+10D57 and the number U+10D40
// since 16.
TEST(Pcre2Pattern, CategoriesAreThoseOfUnicode16) {
  const std::string letters = "a\U00032296\U0002EBF0\U00010D57";
  const auto count = [](const char* pattern, const std::string& text) {
    std::vector<ByteSpan> matches;
    SplitRegex(pattern, "test").find_all(text, matches);
    return matches.size();
  };
  for (const char* pattern : {R"(\p{L}+)", R"(\P{^Letter}+)", R"([\p{L}_]+)", R"([^\p{N}]+)"})
    EXPECT_EQ(count(pattern, letters), 1U) << pattern;
  for (const char* pattern : {R"(\P{L})", R"(\p{^L})", R"([^\p{L}])", R"(\p{N})"})
    EXPECT_EQ(count(pattern, letters), 0U) << pattern;
  EXPECT_EQ(count(R"(\p{N}+)", "1\U00010D40"), 1U);
  EXPECT_EQ(count(R"(\p{Ll}+)", "a\U00010D77"), 1U);
}

}  // namespace
}  // namespace sqpsych::tokenizers
