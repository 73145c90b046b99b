#include "models/engine/stop_texts.h"

#include <gtest/gtest.h>

namespace sqpsych {
namespace {

struct Case {
  std::vector<std::string> stops, pieces;
  std::string expected;
  bool found;
};

TEST(StopTexts, CutsAtTheFirstStopWhereverPiecesBreak) {
  const Case cases[] = {
      {{"END"}, {"abcENDdef"}, "abc", true},
      {{"END"}, {"abcE", "N", "Ddef"}, "abc", true},
      {{"END"}, {"abcE", "Nd"}, "abcENd", false},
      {{"END"}, {"E", "E", "N", "E", "ND"}, "EEN", true},
      {{"END", "b"}, {"abcEND"}, "a", true},
      {{"\nUser:"}, {"hello\n", "User", ":"}, "hello", true},
      {{""}, {"abc"}, "abc", false},
      {{}, {"abc"}, "abc", false},
      {{"aab"}, {"aaab"}, "a", true},
  };
  for (const auto& [stops, pieces, expected, found] : cases) {
    StopTexts watch(stops);
    std::string text;
    for (const auto& piece : pieces) text += watch.push(piece);
    if (!watch.found()) text += watch.finish();
    EXPECT_EQ(text, expected);
    EXPECT_EQ(watch.found(), found) << expected;
  }
}

TEST(StopTexts, HoldsBackOnlyWhatMayBecomeAStop) {
  StopTexts watch({"STOP"});
  EXPECT_EQ(watch.push("abcST"), "abc");
  EXPECT_EQ(watch.push("x"), "STx");
  EXPECT_EQ(watch.push("y"), "y");
}

}  // namespace
}  // namespace sqpsych
