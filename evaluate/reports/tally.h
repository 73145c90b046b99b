#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "evaluate/reports/chart.h"

namespace sqpsych {

/// Counts by name.
using Tally = std::map<std::string, std::int64_t>;

/// Most frequent first, equal counts by name.
std::vector<Bar> bars_of(const Tally& tally);
std::int64_t total_of(const Tally& tally);

}  // namespace sqpsych
