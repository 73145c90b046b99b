#include "core/terminal.h"

#include <gtest/gtest.h>

#include <unistd.h>

#include "core/text.h"

namespace sqpsych {
namespace {

TEST(Terminal, WrapsBetweenWordsAndIndentsWhatFollows) {
  EXPECT_EQ(wrap_text("one two three", 7), "one two\nthree");
  EXPECT_EQ(wrap_text("one two three", 8, 2), "one two\n  three");
  EXPECT_EQ(wrap_text("  - one two three", 9, 2), "  - one\n    two\n    three");
  EXPECT_EQ(wrap_text("one\n\ntwo  three", 40), "one\n\ntwo  three");
}

TEST(Terminal, NeverBreaksAWordAndCountsCodePoints) {
  EXPECT_EQ(wrap_text("a /a/very/long/path b", 6), "a\n/a/very/long/path\nb");
  EXPECT_EQ(wrap_text("\xC3\xA4\xC3\xB6\xC3\xBC \xC3\x9F", 5), "\xC3\xA4\xC3\xB6\xC3\xBC \xC3\x9F");
}

TEST(Terminal, EveryLineFits) {
  std::string text;
  for (int i = 0; i < 300; ++i) text += std::string(static_cast<std::size_t>(1 + i % 9), 'x') + " ";
  for (const std::size_t columns : {9u, 20u, 80u})
    for (const auto& line : split(wrap_text(text, columns), "\n")) EXPECT_LE(line.size(), columns);
}

TEST(Terminal, ZeroColumnsChangeNothingAndAPipeIsNoTerminal) {
  EXPECT_EQ(wrap_text("one two three", 0), "one two three");
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  EXPECT_EQ(terminal_columns(ends[1]), 0u);
  close(ends[0]);
  close(ends[1]);
}

}  // namespace
}  // namespace sqpsych
