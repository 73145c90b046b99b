#include "data/datasets/rows.h"

#include "core/text.h"

namespace sqpsych {

namespace {

/// Turns that rows are made of, and whether the first is the invented opening of the user.
std::vector<SourceTurn> turns_for_rows(const SourceSession& session, const DatasetConfig& config,
                                       ChangeCounts& counts) {
  std::vector<SourceTurn> turns = session.turns;
  if (turns.front().speaker != "counselor" || config.rows == "raw") return turns;
  if (config.opening == "user") {
    turns.insert(turns.begin(), {"client", config.opening_text, true});
    ++counts["sessions opened by the counselor: opening_text put in front"];
  } else if (config.opening == "drop") {
    while (!turns.empty() && turns.front().speaker == "counselor") turns.erase(turns.begin());
    ++counts["sessions opened by the counselor: first words left out"];
  } else {
    ++counts["sessions opened by the counselor: rows start with the assistant"];
  }
  return turns;
}

Json meta_of(const SourceSession& session, const RowContext& context, std::size_t turn) {
  Json meta = {{"corpus", session.corpus},
               {"session", session.id},
               {"group", session.group},
               {"turns", session.turns.size()},
               {"turn", turn}};
  for (const auto& name : context.field_names) {
    const auto found = session.fields.find(name);
    meta[name] = found == session.fields.end() ? "" : found->second;
  }
  return meta;
}

const std::string& system_of(const SourceSession& session, const RowContext& context) {
  return context.config.system.keep && !session.system.empty() ? session.system : context.system;
}

/// System and turns [begin, end); with weights only turns from `trained_from` on count.
Conversation conversation(const std::vector<SourceTurn>& turns, const std::string& system,
                          std::size_t begin, std::size_t end) {
  Conversation messages;
  if (!system.empty()) messages.push_back({"system", system, std::nullopt});
  for (std::size_t i = begin; i < end; ++i)
    messages.push_back(
        {turns[i].speaker == "client" ? "user" : "assistant", turns[i].text, std::nullopt});
  return messages;
}

DatasetRow dataset_row_of(const SourceSession& session, const RowContext& context,
                          std::size_t turn) {
  DatasetRow row;
  row.id = turn == 0 ? session.id : format("{}-t{}", session.id, turn);
  row.client_id = session.client_id;
  row.meta = meta_of(session, context, turn);
  return row;
}

std::vector<DatasetRow> session_rows(const SourceSession& session, const RowContext& context,
                                     ChangeCounts& counts) {
  std::vector<SourceTurn> turns = turns_for_rows(session, context.config, counts);
  std::int64_t behind = 0;
  while (!turns.empty() && turns.back().speaker == "client") {
    turns.pop_back();
    ++behind;
  }
  if (behind > 0) counts["client turns behind the last reply, left out"] += behind;
  if (turns.empty()) {
    ++counts["sessions without a row: nothing left behind the opening"];
    return {};
  }
  DatasetRow row = dataset_row_of(session, context, 0);
  row.messages = conversation(turns, system_of(session, context), 0, turns.size());
  if (context.weighted) {
    const std::size_t offset = row.messages.size() - turns.size();
    for (auto& message : row.messages) message.weight = 0;
    for (std::size_t i = 0; i < turns.size(); ++i)
      row.messages[offset + i].weight = turns[i].speaker == "counselor" && turns[i].trained ? 1 : 0;
  }
  return {std::move(row)};
}

std::size_t history_begin(const DatasetConfig& config, std::size_t reply) {
  const auto limit = static_cast<std::size_t>(config.history_turns);
  return limit == 0 || reply < limit ? 0 : reply - limit;
}

std::vector<DatasetRow> turn_rows(const SourceSession& session, const RowContext& context,
                                  ChangeCounts& counts) {
  const std::vector<SourceTurn> turns = turns_for_rows(session, context.config, counts);
  std::vector<DatasetRow> rows;
  for (std::size_t reply = 0; reply < turns.size(); ++reply) {
    if (turns[reply].speaker != "counselor" || !turns[reply].trained) continue;
    std::size_t begin = history_begin(context.config, reply);
    // A shortened history starts with the client, as every model's template allows.
    while (begin > 0 && begin < reply && turns[begin].speaker == "counselor") ++begin;
    DatasetRow row = dataset_row_of(session, context, reply + 1);
    row.messages = conversation(turns, system_of(session, context), begin, reply + 1);
    for (auto& message : row.messages) message.weight = 0;
    row.messages.back().weight = 1;
    rows.push_back(std::move(row));
  }
  if (!turns.empty() && turns.back().speaker == "client")
    ++counts["client turns behind the last reply, left out"];
  return rows;
}

std::string dataset_line_of(const std::string& label, const std::string& text) {
  return label.empty() ? text : label + ": " + text;
}

/// The original text is `input`, one space, `output` (SQPsych finetune.py): the space opens the
/// completion, so prompt + completion is that text.
std::vector<DatasetRow> raw_rows(const SourceSession& session, const RowContext& context,
                                 ChangeCounts& counts) {
  const RawConfig& raw = context.config.raw;
  const auto label = [&](const SourceTurn& turn) {
    return turn.speaker == "client" ? raw.client : raw.counselor;
  };
  std::vector<DatasetRow> rows;
  for (std::size_t reply = 0; reply < session.turns.size(); ++reply) {
    const SourceTurn& turn = session.turns[reply];
    if (turn.speaker != "counselor" || !turn.trained) continue;
    if (reply == 0 && !raw.opener) {
      ++counts["counselor's first words, no row of their own"];
      continue;
    }
    std::vector<std::string> lines;
    if (!system_of(session, context).empty()) lines.push_back(system_of(session, context) + "\n");
    for (std::size_t i = history_begin(context.config, reply); i < reply; ++i)
      lines.push_back(dataset_line_of(label(session.turns[i]), session.turns[i].text));
    if (!raw.counselor.empty()) lines.push_back(raw.counselor + ":");
    DatasetRow row = dataset_row_of(session, context, reply + 1);
    row.prompt = join(lines, "\n");
    row.completion = " " + turn.text;
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace

std::vector<DatasetRow> rows_of(const SourceSession& session, const RowContext& context,
                                ChangeCounts& counts) {
  if (context.config.rows == "session") return session_rows(session, context, counts);
  if (context.config.rows == "turn") return turn_rows(session, context, counts);
  return raw_rows(session, context, counts);
}

}  // namespace sqpsych
