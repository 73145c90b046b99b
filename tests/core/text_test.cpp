#include "core/text.h"

#include <gtest/gtest.h>

namespace sqpsych {
namespace {

TEST(Text, AcceptsWellFormedUtf8Only) {
  EXPECT_TRUE(is_valid_utf8("plain, \xC3\xA4, \xE6\x9D\xA5, \xF0\x9F\x98\x80"));
  const std::vector<std::string> bad = {"\x80",         "\xC0\xAF",         "\xE0\x80\x80",
                                        "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80",
                                        "\xC3",         "\xE6\x9D",         "\xFF"};
  for (const auto& bytes : bad) EXPECT_FALSE(is_valid_utf8(bytes)) << bytes.size();
  EXPECT_EQ(find_invalid_utf8("abc\xFFxyz"), 3u);
}

TEST(Text, CodePointsRoundTrip) {
  for (const char32_t code_point : {U'A', U'\u00E4', U'\u6765', U'\U0001F600', U'\U0010FFFF'}) {
    std::string text;
    append_utf8(text, code_point);
    std::size_t position = 0;
    EXPECT_EQ(next_code_point(text, position), code_point);
    EXPECT_EQ(position, text.size());
    EXPECT_EQ(utf8_length(static_cast<unsigned char>(text[0])), text.size());
  }
}

TEST(Text, NamesTheNearestKnownName) {
  EXPECT_EQ(nearest_name("learnign_rate", {"learning_rate", "lora_r"}), "learning_rate");
  EXPECT_EQ(nearest_name("zzz", {"learning_rate", "lora_r"}), "");
}

TEST(Text, SplitsAndJoins) {
  EXPECT_EQ(split("a,,b", ","), (std::vector<std::string>{"a", "", "b"}));
  EXPECT_EQ(join({"a", "b", "c"}, ", "), "a, b, c");
  EXPECT_EQ(trim("  a b\r\n"), "a b");
  EXPECT_EQ(trim(" \t"), "");
  EXPECT_EQ(replace_all("aXbXX", "X", "XY"), "aXYbXYXY");
}

TEST(Text, WritesNumbersForPeople) {
  EXPECT_EQ(with_thousands(1234567), "1,234,567");
  EXPECT_EQ(with_thousands(-1234), "-1,234");
  EXPECT_EQ(with_thousands(999), "999");
  EXPECT_EQ(bytes_text(900), "900 B");
  EXPECT_EQ(bytes_text(1536), "1.5 KiB");
  EXPECT_EQ(duration_text(12.2), "12 s");
  EXPECT_EQ(duration_text(245), "4 min 05 s");
  EXPECT_EQ(duration_text(7380), "2 h 03 min");
}

TEST(Text, EscapesHtml) {
  EXPECT_EQ(html_escape("<a href=\"x\">&'"), "&lt;a href=&quot;x&quot;&gt;&amp;&#39;");
}

}  // namespace
}  // namespace sqpsych
