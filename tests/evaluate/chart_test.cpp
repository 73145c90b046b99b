#include "evaluate/reports/chart.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace sqpsych {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

std::int64_t occurrences(const std::string& text, const std::string& part) {
  std::int64_t count = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

TEST(AxisTicks, AreRoundAndInsideTheRange) {
  EXPECT_THAT(axis_ticks(0, 10, 5), ElementsAre(0, 2, 4, 6, 8, 10));
  EXPECT_THAT(axis_ticks(0, 1000, 5), ElementsAre(0, 200, 400, 600, 800, 1000));
  EXPECT_THAT(axis_ticks(-1, 1, 4), ElementsAre(-1, -0.5, 0, 0.5, 1));
  const auto small = axis_ticks(2.31, 2.34, 3);
  ASSERT_FALSE(small.empty());
  EXPECT_GE(small.front(), 2.31 - 1e-9);
  EXPECT_LE(small.back(), 2.34 + 1e-9);
}

TEST(LineChart, DrawsEveryCurveWithLegendAndLabels) {
  const auto svg =
      line_chart({"Loss",
                  "step",
                  "nats",
                  {{"training", {{1, 3}, {2, 2}}, false}, {"validation", {{2, 2.5}}, true}}})
          .markup;
  EXPECT_EQ(occurrences(svg, "class=\"curve\""), 2);
  EXPECT_EQ(occurrences(svg, "<circle"), 1);
  for (const char* part : {"Loss", "step", "nats", "training", "validation", "validation 2: 2.5"})
    EXPECT_THAT(svg, HasSubstr(part));
}

TEST(LineChart, HigherValuesStandHigher) {
  const auto svg = line_chart({"t", "x", "y", {{"c", {{0, 1}, {10, 5}}, false}}}).markup;
  const auto path = svg.substr(svg.find(" d=\"M") + 5);
  double x0 = 0, y0 = 0, x1 = 0, y1 = 0;
  ASSERT_EQ(std::sscanf(path.c_str(), "%lf,%lf L%lf,%lf", &x0, &y0, &x1, &y1), 4);
  EXPECT_LT(x0, x1);
  EXPECT_GT(y0, y1);
}

TEST(LineChart, LeavesOutWhatIsNotFinite) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const auto svg = line_chart({"t", "x", "y", {{"c", {{0, 1}, {1, nan}, {2, 3}}, true}}}).markup;
  EXPECT_EQ(occurrences(svg, "<circle"), 2);
  EXPECT_THAT(svg, Not(HasSubstr("nan")));
}

TEST(LineChart, ConstantCurveIsDrawn) {
  EXPECT_THAT(line_chart({"t", "x", "y", {{"c", {{0, 0}, {1, 0}}, false}}}).markup,
              Not(HasSubstr("nan")));
}

TEST(LineChart, ValuesTooCloseForTicksAreDrawn) {
  const double large = 1e16;
  const auto svg = line_chart({"t", "x", "y", {{"c", {{0, large}, {1, large + 2}}, false}}}).markup;
  EXPECT_THAT(svg, HasSubstr(" d=\"M"));
}

TEST(LineChart, LongCurvesKeepTheirLastPoint) {
  Curve curve{"c", {}, false};
  for (int i = 0; i <= 6001; ++i) curve.points.emplace_back(i, i);
  const auto svg = line_chart({"t", "x", "y", {curve}}).markup;
  EXPECT_LT(occurrences(svg, " L"), 3000);
  EXPECT_THAT(svg, HasSubstr(" L744.0,"));
}

TEST(LineChart, IsEmptyWithoutTwoPoints) {
  EXPECT_EQ(line_chart({"t", "x", "y", {}}).markup, "");
  EXPECT_EQ(line_chart({"t", "x", "y", {{"c", {{0, 1}}, false}}}).markup, "");
}

TEST(BarChart, ShowsCountsAndShares) {
  const auto svg = bar_chart("Ends", {{"end_token", 3}, {"max_turns", 1}}).markup;
  EXPECT_THAT(svg, HasSubstr("3 (75.0 %)"));
  EXPECT_THAT(svg, HasSubstr("1 (25.0 %)"));
  EXPECT_EQ(bar_chart("Ends", {}).markup, "");
  EXPECT_EQ(bar_chart("Ends", {{"none", 0}}).markup, "");
}

TEST(BarChart, EscapesNames) {
  EXPECT_THAT(bar_chart("<t>", {{"<script>", 1}}).markup, Not(HasSubstr("<script>")));
}

}  // namespace
}  // namespace sqpsych
