#include "data/packing/row_plan.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <iterator>

#include "core/interrupt.h"
#include "core/progress.h"
#include "core/text.h"
#include "data/packing/windows.h"

namespace sqpsych {

namespace {

/// What became of one dataset row, or of its part up to one reply.
struct Planned {
  std::vector<RowWindow> windows;
  std::int64_t whole_tokens = 0;
  std::int64_t whole_supervised = 0;
  std::int64_t dropped_supervised = 0;
  std::int64_t parts = 1;  ///< rows that it became before any cut
  bool is_cut = false;
  std::string problem;
};

/// Errors of `work` name the row.
template <class Work>
void naming_row(const DatasetRow& row, const Work& work) {
  try {
    work();
  } catch (const ConfigError& error) {
    throw ConfigError(format("row '{}': {}", row.id, error.what()));
  } catch (const FormatError& error) {
    throw FormatError(format("row '{}': {}", row.id, error.what()));
  }
}

bool too_long(const TokenizedRow& row, const RowPlanOptions& options) {
  return options.max_length > 0 && static_cast<std::int64_t>(row.ids.size()) > options.max_length;
}

Planned plan_part(const DatasetRow& row, const Tokenizer& tokenizer,
                  const ChatTemplate* chat_template, const RowPlanOptions& options) {
  Planned planned;
  TokenizedRow whole = tokenize_row(row, tokenizer, chat_template, options.raw_loss);
  planned.whole_tokens = static_cast<std::int64_t>(whole.ids.size());
  planned.whole_supervised = count_supervised(whole);
  if (planned.whole_supervised == 0) {
    planned.problem = format(
        "row '{}': found no supervised token in {} tokens, expected at least one. Give it an "
        "assistant message whose weight is not 0, or leave the row out.",
        row.id, whole.ids.size());
  } else if (!too_long(whole, options)) {
    planned.windows.push_back({std::move(whole), 0, false});
  } else if (options.over_length == "error") {
    planned.problem = format(
        "row '{}': found {} tokens, expected at most {} (max_length). Set over_length to window or "
        "drop, or raise max_length.",
        row.id, whole.ids.size(), options.max_length);
  } else if (options.over_length == "window") {
    planned.windows = row.is_raw() ? cut_raw_row(whole, tokenizer, options)
                                   : cut_chat_row(row, whole, tokenizer, *chat_template, options);
    planned.is_cut = true;
  } else {
    planned.dropped_supervised = planned.whole_supervised;
  }
  return planned;
}

void add_part(Planned part, Planned& row) {
  std::move(part.windows.begin(), part.windows.end(), std::back_inserter(row.windows));
  row.whole_tokens = std::max(row.whole_tokens, part.whole_tokens);
  row.whole_supervised += part.whole_supervised;
  row.dropped_supervised += part.dropped_supervised;
  row.is_cut |= part.is_cut;
  if (row.problem.empty()) row.problem = part.problem;
}

/// Replies that the template would render differently with what follows them become parts of their
/// own, each ending with its reply.
Planned plan_row(const DatasetRow& row, const Tokenizer& tokenizer,
                 const ChatTemplate* chat_template, const RowPlanOptions& options) {
  if (row.is_raw() || !chat_template) return plan_part(row, tokenizer, chat_template, options);
  std::vector<Conversation> parts;
  naming_row(row, [&] { parts = training_conversations(*chat_template, row.messages); });
  Planned planned;
  planned.parts = std::ssize(parts);
  DatasetRow part = row;
  for (auto& messages : parts) {
    part.messages = std::move(messages);
    add_part(plan_part(part, tokenizer, chat_template, options), planned);
  }
  return planned;
}

std::vector<Planned> plan_rows(const std::vector<DatasetRow>& rows, const Tokenizer& tokenizer,
                               const ChatTemplate* chat_template, const RowPlanOptions& options) {
  std::vector<Planned> planned(rows.size());
  Progress progress("tokenizing", static_cast<std::int64_t>(rows.size()), "rows");
  at::parallel_for(0, static_cast<std::int64_t>(rows.size()), 1,
                   [&](std::int64_t begin, std::int64_t end) {
                     for (std::int64_t i = begin; i < end; ++i) {
                       throw_if_interrupted("tokenize");
                       const auto index = static_cast<std::size_t>(i);
                       planned[index] = plan_row(rows[index], tokenizer, chat_template, options);
                       progress.advance();
                     }
                   });
  return planned;
}

void throw_problems(const std::vector<Planned>& planned) {
  constexpr int kMostShown = 20;
  ProblemList problems;
  int found = 0;
  for (const auto& row : planned)
    if (!row.problem.empty() && ++found <= kMostShown) problems.add(row.problem);
  if (found > kMostShown)
    problems.add(format("found {} such rows in all, the first {} are named", found, kMostShown));
  problems.throw_if_any<FormatError>("rows");
}

void count(const Planned& planned, std::size_t row_index, const DatasetRow& row,
           RowPlanReport& report) {
  report.longest_row = std::max(report.longest_row, planned.whole_tokens);
  if (planned.windows.empty()) {
    ++report.rows_dropped;
    report.supervised_tokens_dropped += planned.whole_supervised;
    report.dropped_ids.push_back(row.id);
    return;
  }
  report.supervised_tokens_dropped += planned.dropped_supervised;
  report.rows_by_reply += planned.parts > 1;
  report.replies_dropped += planned.dropped_supervised > 0;
  report.rows_windowed += planned.is_cut;
  const auto windows = static_cast<std::int64_t>(planned.windows.size());
  bool split = false;
  for (std::int64_t i = 0; i < windows; ++i) {
    const auto& window = planned.windows[static_cast<std::size_t>(i)];
    report.tokens += static_cast<std::int64_t>(window.row.ids.size());
    report.supervised_tokens += count_supervised(window.row);
    report.context_tokens_left_out += window.context_left_out;
    report.windows_inside_replies += window.splits_reply;
    report.origins.push_back({row_index, i, windows, window.context_left_out});
    split |= window.splits_reply;
  }
  report.rows_with_split_replies += split;
}

}  // namespace

TokenizedRow tokenize_row(const DatasetRow& row, const Tokenizer& tokenizer,
                          const ChatTemplate* chat_template, const std::string& raw_loss) {
  TokenizedRow tokenized;
  if (!row.is_raw()) {
    if (!chat_template)
      throw ConfigError(
          format("chat_template: row '{}': found messages but no chat template, expected one. Set "
                 "chat_template.",
                 row.id));
    naming_row(row, [&] {
      tokenized = tokenize_conversation(tokenizer, *chat_template, row.messages, false);
    });
  } else {
    const std::string text = row.prompt + row.completion;
    const Encoding encoding = tokenizer.encode(text, {true, {{0, text.size()}}, {}});
    tokenized.ids = encoding.ids;
    const auto eos = tokenizer.eos();
    if (eos && (tokenized.ids.empty() || tokenized.ids.back() != *eos))
      tokenized.ids.push_back(*eos);
    tokenized.supervised.assign(tokenized.ids.size(), 1);
    if (raw_loss == "completion")
      for (std::size_t i = 0; i < encoding.spans.size(); ++i)
        if (encoding.spans[i].end <= row.prompt.size()) tokenized.supervised[i] = 0;
    if (!tokenized.supervised.empty()) tokenized.supervised[0] = 0;
  }
  tokenized.id = row.id;
  tokenized.client_id = row.client_id;
  return tokenized;
}

std::int64_t count_supervised(const TokenizedRow& row) {
  return std::count(row.supervised.begin(), row.supervised.end(), 1);
}

std::vector<TokenizedRow> tokenize_rows(const std::vector<DatasetRow>& rows,
                                        const Tokenizer& tokenizer,
                                        const ChatTemplate* chat_template,
                                        const RowPlanOptions& options, RowPlanReport& report) {
  if (options.max_length == 1)
    throw ConfigError("max_length: found 1, expected 2 or more (0: no limit)");
  auto planned = plan_rows(rows, tokenizer, chat_template, options);
  throw_problems(planned);
  report = {};
  report.rows = static_cast<std::int64_t>(rows.size());
  std::vector<TokenizedRow> tokenized;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    count(planned[i], i, rows[i], report);
    const bool one = planned[i].windows.size() == 1;
    for (std::size_t w = 0; w < planned[i].windows.size(); ++w) {
      tokenized.push_back(std::move(planned[i].windows[w].row));
      tokenized.back().id = one ? rows[i].id : format("{}#{}", rows[i].id, w + 1);
      tokenized.back().client_id = rows[i].client_id;
    }
  }
  return tokenized;
}

std::string RowPlanReport::text() const {
  std::string lines = format("{} rows -> {} token rows, {} tokens, {} of them supervised\n",
                             with_thousands(rows), with_thousands(std::ssize(origins)),
                             with_thousands(tokens), with_thousands(supervised_tokens));
  if (rows_windowed > 0)
    lines += format(
        "{} rows were longer than a window (longest: {} tokens) and were cut; their windows lack "
        "{} "
        "tokens of earlier context, no supervised token is lost\n",
        with_thousands(rows_windowed), with_thousands(longest_row),
        with_thousands(context_tokens_left_out));
  if (rows_by_reply > 0)
    lines += format(
        "{} rows became one row for each reply: the chat template renders earlier replies "
        "differently\n",
        with_thousands(rows_by_reply));
  if (rows_with_split_replies > 0)
    lines +=
        format("{} rows hold a reply longer than a window; it was split into {} windows\n",
               with_thousands(rows_with_split_replies), with_thousands(windows_inside_replies));
  if (replies_dropped > 0)
    lines +=
        format("{} of them lost replies that were too long\n", with_thousands(replies_dropped));
  if (rows_dropped > 0)
    lines += format("{} rows were too long and were dropped with {} supervised tokens\n",
                    with_thousands(rows_dropped), with_thousands(supervised_tokens_dropped));
  return lines;
}

}  // namespace sqpsych
