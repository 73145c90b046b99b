#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "core/json.h"
#include "models/message.h"

namespace sqpsych {

/// One training row: either chat messages (OpenAI "messages") or raw prompt / completion text.
struct DatasetRow {
  std::string id;
  std::string client_id;
  Conversation messages;
  std::string prompt;      ///< raw rows only
  std::string completion;  ///< raw rows only
  Json meta = Json::object();
  bool is_raw() const { return messages.empty(); }
};

Json to_json(const DatasetRow& row);
/// Also reads rows of other makers: no id (then file:line), no client_id (then the id); `prompt`
/// and `completion` as message lists (then the prompt's replies get weight 0); `train` (true |
/// false) and `masked` instead of `weight`; content as a list of text parts. FormatError names
/// `where`.
DatasetRow dataset_row_from_json(const Json& record, const std::string& where);
/// JSON Lines or one JSON array. Rows without an id are named `FILE:LINE` (array: `FILE[i]`).
std::vector<DatasetRow> read_dataset_rows(const std::filesystem::path& file);

}  // namespace sqpsych
