#pragma once

#include <nlohmann/json.hpp>

namespace sqpsych {

/// JSON value that keeps the order of keys, so what we write reads as it was meant.
using Json = nlohmann::ordered_json;

}  // namespace sqpsych
