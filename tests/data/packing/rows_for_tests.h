#pragma once

#include <string>
#include <vector>

#include "core/text.h"
#include "data/packing/row_plan.h"

namespace sqpsych::testing {

/// A system message, then user and assistant in turn.
inline DatasetRow chat_row(const std::string& id, const std::vector<std::string>& turns) {
  DatasetRow row;
  row.id = id;
  row.client_id = "c" + id;
  row.messages.push_back({"system", "You listen.", std::nullopt});
  for (std::size_t i = 0; i < turns.size(); ++i)
    row.messages.push_back({i % 2 == 0 ? "user" : "assistant", turns[i], std::nullopt});
  return row;
}

inline std::vector<TokenId> supervised_ids(const TokenizedRow& row) {
  std::vector<TokenId> ids;
  for (std::size_t i = 0; i < row.ids.size(); ++i)
    if (row.supervised[i]) ids.push_back(row.ids[i]);
  return ids;
}

inline std::vector<TokenId> supervised_ids(const std::vector<TokenizedRow>& rows) {
  std::vector<TokenId> ids;
  for (const auto& row : rows)
    for (const TokenId id : supervised_ids(row)) ids.push_back(id);
  return ids;
}

}  // namespace sqpsych::testing
