#include "evaluate/reports/tally.h"

#include <algorithm>

namespace sqpsych {

std::vector<Bar> bars_of(const Tally& tally) {
  std::vector<Bar> bars;
  for (const auto& [name, count] : tally) bars.push_back({name.empty() ? "(none)" : name, count});
  std::stable_sort(bars.begin(), bars.end(),
                   [](const Bar& a, const Bar& b) { return a.count > b.count; });
  return bars;
}

std::int64_t total_of(const Tally& tally) {
  std::int64_t total = 0;
  for (const auto& [name, count] : tally) total += count;
  return total;
}

}  // namespace sqpsych
