#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/fields.h"
#include "data/datasets/dataset_row.h"
#include "models/chat_templates/chat_template.h"
#include "models/tokenized_row.h"
#include "models/tokenizers/tokenizer.h"

namespace sqpsych {

/// How dataset rows become token rows that fit the model.
struct RowPlanOptions {
  std::int64_t max_length = 0;
  std::string over_length = "window";
  double window_context = 0.5;
  std::string raw_loss = "all";

  template <class Visitor>
  void fields(Visitor& visit) {
    visit("max_length", max_length, "longest row in tokens; 0: no limit", at_least(0));
    visit(
        "over_length", over_length,
        "rows longer than max_length: window (cut into rows that train every reply once), drop or "
        "error",
        one_of({"window", "drop", "error"}));
    visit("window_context", window_context,
          "share of a window behind the first that earlier turns may fill, unsupervised",
          between(0, 0.95));
    visit("raw_loss", raw_loss, "prompt / completion rows train on: all or completion",
          one_of({"all", "completion"}));
  }
};

/// Where a token row came from.
struct RowOrigin {
  std::size_t row = 0;                ///< index of the dataset row
  std::int64_t window = 0;            ///< 0, 1, ... of `windows`
  std::int64_t windows = 1;           ///< 1: the row is whole
  std::int64_t context_left_out = 0;  ///< earlier tokens that the whole row would have shown
};

/// What tokenize_rows did; every cut is counted.
struct RowPlanReport {
  std::int64_t rows = 0;             ///< dataset rows given
  std::int64_t rows_windowed = 0;    ///< cut into more than one row, or their context shortened
  std::int64_t rows_by_reply = 0;    ///< one token row per reply (see training_conversations)
  std::int64_t rows_dropped = 0;     ///< too long, over_length: drop
  std::int64_t replies_dropped = 0;  ///< rows of those that lost some replies in the same way
  std::int64_t rows_with_split_replies = 0;  ///< a single reply (or raw text) longer than a window
  std::int64_t windows_inside_replies = 0;   ///< windows of such rows that hold a part of a reply
  std::int64_t tokens = 0;                   ///< of all token rows
  std::int64_t supervised_tokens = 0;
  std::int64_t supervised_tokens_dropped = 0;
  std::int64_t context_tokens_left_out = 0;
  std::int64_t longest_row = 0;    ///< tokens of the longest dataset row before cutting
  std::vector<RowOrigin> origins;  ///< one per token row, same order
  std::vector<std::string> dropped_ids;

  /// One line per fact, for people; says nothing about what did not happen.
  std::string text() const;
};

/// Tokenizes rows in their order, in parallel, deterministically. Chat rows need `chat_template`.
/// A row's id stays; windows, and the rows of single replies where the template renders earlier
/// replies differently, are called `ID#1`, `ID#2` ...
///
/// Windows of a chat row: its system messages, then as many of the latest turns as fit, rendered by
/// the chat template like a session that starts there; the loss of the windows is disjoint and
/// covers every supervised token of the row exactly once, terminators included. A single reply
/// longer than a window is split between tokens; each part follows what fits of the question and of
/// the reply so far. FormatError naming all rows without a supervised token, or too long with
/// over_length: error; ConfigError when max_length leaves no room behind the system message.
std::vector<TokenizedRow> tokenize_rows(const std::vector<DatasetRow>& rows,
                                        const Tokenizer& tokenizer,
                                        const ChatTemplate* chat_template,
                                        const RowPlanOptions& options, RowPlanReport& report);

/// The whole row, never cut. Raw rows: BOS as the tokenizer adds it, the text, EOS if there is one.
TokenizedRow tokenize_row(const DatasetRow& row, const Tokenizer& tokenizer,
                          const ChatTemplate* chat_template, const std::string& raw_loss);

std::int64_t count_supervised(const TokenizedRow& row);

}  // namespace sqpsych
