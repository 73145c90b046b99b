#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sqpsych {

using TokenId = std::int32_t;

/// One training row as ids. `supervised[i]` is 1 when predicting `ids[i]` counts in the loss
/// (never for i = 0: nothing stands before it).
struct TokenizedRow {
  std::string id;
  std::string client_id;
  std::vector<TokenId> ids;
  std::vector<std::uint8_t> supervised;
};

}  // namespace sqpsych
