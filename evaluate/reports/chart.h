#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "evaluate/reports/page.h"

namespace sqpsych {

/// One curve. `has_markers` for few measurements (validation), without for many (training).
struct Curve {
  std::string name;
  std::vector<std::pair<double, double>>
      points;  ///< (x, y), x ascending; not finite y are left out
  bool has_markers = false;
};

struct LineChart {
  std::string title;
  std::string x_label;
  std::string y_label;
  std::vector<Curve> curves;
};

/// The chart as inline SVG with axes, grid, legend and a text alternative; empty without two
/// points.
Html line_chart(const LineChart& chart);

struct Bar {
  std::string name;
  std::int64_t count = 0;
};

/// Horizontal bars with their counts and shares, as inline SVG; empty without a count.
Html bar_chart(const std::string& title, const std::vector<Bar>& bars);

/// Round values that span [low, high]: 1, 2 or 5 times a power of ten apart, about `wanted` of
/// them.
std::vector<double> axis_ticks(double low, double high, int wanted);

}  // namespace sqpsych
