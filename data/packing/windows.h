#pragma once

#include <cstdint>
#include <vector>

#include "data/packing/row_plan.h"

namespace sqpsych {

struct RowWindow {
  TokenizedRow row;
  std::int64_t context_left_out = 0;  ///< tokens that stand before its loss in the whole row only
  bool splits_reply = false;
};

/// Cuts a chat row that is longer than options.max_length; `whole` is its uncut form.
std::vector<RowWindow> cut_chat_row(const DatasetRow& row, const TokenizedRow& whole,
                                    const Tokenizer& tokenizer, const ChatTemplate& chat_template,
                                    const RowPlanOptions& options);

/// Cuts a prompt / completion row between tokens; every window starts with BOS when `whole` does.
std::vector<RowWindow> cut_raw_row(const TokenizedRow& whole, const Tokenizer& tokenizer,
                                   const RowPlanOptions& options);

}  // namespace sqpsych
