#include "evaluate/reports/chart.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/text.h"

namespace sqpsych {
namespace {

constexpr double kWidth = 760, kHeight = 320;
constexpr double kLeft = 64, kRight = 16, kTop = 56, kBottom = 44;
constexpr const char* kColours[] = {"var(--one)", "var(--two)", "var(--three)"};
constexpr std::size_t kMaxPoints = 1500;

/// Maps a data range onto a pixel range.
struct Scale {
  double low, high, from, to;
  double operator()(double value) const {
    return from + (value - low) / (high - low) * (to - from);
  }
};

struct Range {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();
  void include(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
  bool empty() const { return low > high; }
  /// Equal values, or such that no tick between them is another double, get a range of their own.
  void widen() {
    const double size = std::max(std::abs(low), std::abs(high));
    if (high - low <= size * 1e-12) high = low + (size == 0 ? 1 : size * 0.1);
  }
};

std::string text_at(double x, double y, const char* anchor, const std::string& text,
                    const char* extra = "") {
  return format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\"{}>{}</text>\n", x, y, anchor,
                extra, html_escape(text));
}

std::string axes(const LineChart& chart, const Scale& x, const Scale& y) {
  std::string svg;
  for (double tick : axis_ticks(y.low, y.high, 5)) {
    svg += format("<line class=\"grid\" x1=\"{}\" x2=\"{}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/>\n", kLeft,
                  kWidth - kRight, y(tick), y(tick));
    svg += text_at(kLeft - 8, y(tick) + 4, "end", shown_number(tick));
  }
  for (double tick : axis_ticks(x.low, x.high, 8)) {
    svg += format("<line class=\"grid\" x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1}\" y2=\"{2}\"/>\n",
                  x(tick), kHeight - kBottom, kHeight - kBottom + 5);
    svg += text_at(x(tick), kHeight - kBottom + 20, "middle", shown_number(tick));
  }
  svg += text_at((kLeft + kWidth - kRight) / 2, kHeight - 6, "middle", chart.x_label);
  const auto turn = format(" transform=\"rotate(-90 14 {:.1f})\"", (kTop + kHeight - kBottom) / 2);
  return svg + text_at(14, (kTop + kHeight - kBottom) / 2, "middle", chart.y_label, turn.c_str());
}

std::string drawn_curve(const Curve& curve, const char* colour, const Scale& x, const Scale& y) {
  std::string path, markers;
  const std::size_t stride = std::max<std::size_t>(1, curve.points.size() / kMaxPoints);
  for (std::size_t i = 0; i < curve.points.size(); ++i) {
    const auto& [px, py] = curve.points[i];
    const bool is_shown = i % stride == 0 || i + 1 == curve.points.size();
    if (!is_shown || !std::isfinite(py)) continue;
    path += format("{}{:.1f},{:.1f}", path.empty() ? "M" : " L", x(px), y(py));
    if (curve.has_markers)
      markers += format(
          "<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3.5\" fill=\"{}\"><title>{}</title></circle>\n",
          x(px), y(py), colour,
          html_escape(format("{} {}: {}", curve.name, shown_number(px), shown_number(py))));
  }
  return format("<path class=\"curve\" stroke=\"{}\" d=\"{}\"/>\n", colour, path) + markers;
}

std::string legend(const std::vector<Curve>& curves) {
  std::string svg;
  double x = kLeft;
  for (std::size_t i = 0; i < curves.size(); ++i) {
    svg += format(
        "<line x1=\"{:.0f}\" x2=\"{:.0f}\" y1=\"40\" y2=\"40\" stroke=\"{}\" "
        "stroke-width=\"3\"/>\n",
        x, x + 18, kColours[i % std::size(kColours)]);
    svg += text_at(x + 24, 44, "start", curves[i].name);
    x += 48 + 7.0 * static_cast<double>(curves[i].name.size());
  }
  return svg;
}

}  // namespace

std::vector<double> axis_ticks(double low, double high, int wanted) {
  const double rough = (high - low) / std::max(1, wanted);
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  const double fraction = rough / power;
  const double step = power * (fraction <= 1 ? 1 : fraction <= 2 ? 2 : fraction <= 5 ? 5 : 10);
  std::vector<double> ticks;
  for (double index = std::ceil(low / step - 1e-9); index * step <= high + step * 1e-9; ++index)
    ticks.push_back(index == 0 ? 0 : index * step);
  return ticks;
}

Html line_chart(const LineChart& chart) {
  Range xs, ys;
  std::size_t num_points = 0;
  for (const auto& curve : chart.curves)
    for (const auto& [x, y] : curve.points) {
      if (!std::isfinite(y)) continue;
      xs.include(x);
      ys.include(y);
      ++num_points;
    }
  if (num_points < 2) return {};
  xs.widen();
  ys.widen();
  const double margin = (ys.high - ys.low) * 0.05;
  const Scale x{xs.low, xs.high, kLeft, kWidth - kRight};
  const Scale y{ys.low >= 0 ? std::max(0.0, ys.low - margin) : ys.low - margin, ys.high + margin,
                kHeight - kBottom, kTop};
  std::string svg =
      format("<svg role=\"img\" viewBox=\"0 0 {} {}\" width=\"{}\" aria-label=\"{}\">\n", kWidth,
             kHeight, kWidth, html_escape(chart.title));
  svg += text_at(kLeft, 22, "start", chart.title, " class=\"title\"");
  svg += legend(chart.curves) + axes(chart, x, y);
  for (std::size_t i = 0; i < chart.curves.size(); ++i)
    svg += drawn_curve(chart.curves[i], kColours[i % std::size(kColours)], x, y);
  return {svg + "</svg>\n"};
}

Html bar_chart(const std::string& title, const std::vector<Bar>& bars) {
  std::int64_t total = 0, largest = 0;
  std::size_t longest = 0;
  for (const auto& bar : bars) {
    total += bar.count;
    largest = std::max(largest, bar.count);
    longest = std::max(longest, bar.name.size());
  }
  if (total <= 0) return {};
  const double left = std::min(300.0, 24 + 7.0 * static_cast<double>(longest));
  const double full = kWidth - left - 130;
  const double height = 34 + 24.0 * static_cast<double>(bars.size());
  std::string svg =
      format("<svg role=\"img\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" aria-label=\"{2}\">\n",
             kWidth, height, html_escape(title));
  svg += text_at(0, 18, "start", title, " class=\"title\"");
  for (std::size_t i = 0; i < bars.size(); ++i) {
    const double y = 30 + 24.0 * static_cast<double>(i);
    const double length = full * static_cast<double>(bars[i].count) / static_cast<double>(largest);
    svg += text_at(left - 10, y + 13, "end", bars[i].name);
    svg += format(
        "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"17\" rx=\"2\" "
        "fill=\"var(--one)\"/>\n",
        left, y, std::max(1.0, length));
    const double share = 100.0 * static_cast<double>(bars[i].count) / static_cast<double>(total);
    svg += text_at(left + length + 8, y + 13, "start",
                   format("{} ({:.1f} %)", with_thousands(bars[i].count), share));
  }
  return {svg + "</svg>\n"};
}

}  // namespace sqpsych
