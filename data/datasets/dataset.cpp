#include "data/datasets/dataset.h"

#include <algorithm>
#include <set>
#include <string_view>

#include "core/hash.h"
#include "core/interrupt.h"
#include "core/json_lines_file.h"
#include "core/manifest.h"
#include "core/progress.h"
#include "core/text.h"
#include "data/datasets/importers/importer.h"
#include "data/datasets/rows.h"

namespace sqpsych {

namespace {

std::vector<SourceSession> import_files(const std::vector<std::filesystem::path>& files,
                                        const DatasetConfig& config, DatasetReport& report) {
  Import import;
  Progress progress("reading", std::ssize(files), "files");
  for (const auto& file : files) {
    throw_if_interrupted("dataset");
    const Importer& importer = choose_importer(config.format, file);
    report.formats[file.string()] = importer.name;
    importer.read(file, import);
    progress.advance();
  }
  report.records = import.records;
  report.bad = std::move(import.bad);
  for (const auto& [note, count] : import.notes) report.changes[note] += count;
  return std::move(import.sessions);
}

/// A second session of the same id: the same record twice is a duplicate, another one a bad record.
void make_ids_unique(std::vector<SourceSession>& sessions, DatasetReport& report) {
  std::map<std::string, std::string> hash_of_id;
  std::erase_if(sessions, [&](const SourceSession& session) {
    const std::string hash = sha256_hex(joined_text(session.turns));
    const auto [found, fresh] = hash_of_id.emplace(session.id, hash);
    if (fresh) return false;
    if (found->second == hash) {
      report.dropped.push_back(
          {session.id, session.where, "duplicate", "the same session came before"});
      ++report.dropped_by_filter["duplicate"];
    } else {
      report.bad.push_back({session.where, format("id: found '{}' a second time with another text, "
                                                  "expected every session once",
                                                  session.id)});
    }
    return true;
  });
}

std::vector<SourceSession> filter_sessions(std::vector<SourceSession> sessions,
                                           const DatasetConfig& config, DatasetReport& report) {
  FilterMemory memory;
  std::vector<SourceSession> kept;
  double repeats = 0;
  double turns = 0;
  for (auto& session : sessions) {
    throw_if_interrupted("dataset");
    clean_session(config.clean, session, report.changes);
    DroppedSession dropped;
    if (passes_filters(session, config.filters, memory, dropped)) {
      repeats += repeated_share(session) * static_cast<double>(session.turns.size());
      turns += static_cast<double>(session.turns.size());
      kept.push_back(std::move(session));
    } else {
      ++report.dropped_by_filter[dropped.filter];
      report.dropped.push_back(std::move(dropped));
    }
  }
  report.repeated_share = turns > 0 ? repeats / turns : 0;
  return kept;
}

void need_sessions(const std::vector<SourceSession>& kept, const DatasetReport& report) {
  if (!kept.empty()) return;
  if (report.sessions == 0 && !report.bad.empty())
    throw FormatError(format("{}: {}{} None of the {} records could be read.", report.bad[0].where,
                             report.bad[0].reason, report.bad[0].reason.ends_with('.') ? "" : ".",
                             report.records));
  if (report.sessions == 0)
    throw FormatError(format("{}: found no record, expected sessions",
                             report.formats.empty() ? "dataset" : report.formats.begin()->first));
  throw ConfigError(format(
      "filters: found no session left of {}, expected some; the first was dropped by '{}': {}",
      report.sessions, report.dropped[0].filter, report.dropped[0].found));
}

std::vector<std::string> field_names(const std::vector<SourceSession>& sessions,
                                     const DatasetConfig& config) {
  std::set<std::string> names;
  for (const auto& session : sessions)
    for (const auto& [name, value] : session.fields) names.insert(name);
  for (const char* own : {"corpus", "session", "group", "turns", "turn"}) names.erase(own);
  if (config.meta.empty()) return {names.begin(), names.end()};
  for (const auto& name : config.meta)
    if (!names.contains(name))
      throw ConfigError(format("meta: found '{}', expected one of {}", name,
                               quoted_list({names.begin(), names.end()})));
  return config.meta;
}

bool any_untrained(const std::vector<SourceSession>& sessions) {
  for (const auto& session : sessions)
    for (const auto& turn : session.turns)
      if (!turn.trained) return true;
  return false;
}

std::string system_text(const SystemConfig& config) {
  if (config.file.empty()) return config.text;
  const std::string text = read_file(config.file.path);
  if (!is_valid_utf8(text))
    throw FormatError(format("{}: found bytes that are not UTF-8, expected UTF-8 text",
                             config.file.path.string()));
  return std::string(trim(text));
}

std::int64_t replies_of(const DatasetRow& row) {
  if (row.is_raw()) return 1;
  return std::count_if(row.messages.begin(), row.messages.end(), counts_in_loss);
}

/// Utterances of validation and test that are in train letter by letter: loss on them shows memory.
void count_seen_in_train(const std::vector<SourceSession>& sessions,
                         const std::map<std::string, int>& split_of, DatasetReport& report) {
  std::set<std::string_view> train;
  for (const auto& session : sessions)
    if (split_of.at(session.client_id) == 0)
      for (const auto& turn : session.turns) train.insert(turn.text);
  std::array<std::int64_t, 3> turns = {};
  std::array<std::int64_t, 3> seen = {};
  for (const auto& session : sessions) {
    const auto split = static_cast<std::size_t>(split_of.at(session.client_id));
    turns[split] += std::ssize(session.turns);
    for (const auto& turn : session.turns) seen[split] += train.contains(turn.text);
  }
  for (std::size_t split = 1; split < 3; ++split)
    if (turns[split] > 0)
      report.splits[split].seen_in_train =
          static_cast<double>(seen[split]) / static_cast<double>(turns[split]);
}

void fill_splits(const std::vector<SourceSession>& sessions, const DatasetConfig& config,
                 Dataset& dataset) {
  const auto split_of = split_clients(sessions, config.split);
  const RowContext context = {config, system_text(config.system), field_names(sessions, config),
                              config.rows == "turn" || any_untrained(sessions)};
  for (const auto& [client, split] : split_of) ++dataset.report.splits[split].clients;
  count_seen_in_train(sessions, split_of, dataset.report);
  for (const auto& session : sessions) {
    throw_if_interrupted("dataset");
    const int split = split_of.at(session.client_id);
    SplitCounts& counts = dataset.report.splits[split];
    ++counts.sessions;
    for (auto& row : rows_of(session, context, dataset.report.changes)) {
      ++counts.rows;
      counts.replies += replies_of(row);
      dataset.splits[split].push_back(std::move(row));
    }
  }
}

/// Everything that was left out, unreadable records first.
std::vector<DroppedSession> left_out(const DatasetReport& report) {
  std::vector<DroppedSession> all;
  for (const auto& bad : report.bad) all.push_back({"", bad.where, "unreadable", bad.reason});
  all.insert(all.end(), report.dropped.begin(), report.dropped.end());
  return all;
}

Json dropped_json(const DroppedSession& dropped) {
  return {{"id", dropped.id},
          {"where", dropped.where},
          {"reason", dropped.filter},
          {"found", dropped.found}};
}

}  // namespace

Dataset build_dataset(const std::vector<std::filesystem::path>& files,
                      const DatasetConfig& config) {
  Dataset dataset;
  DatasetReport& report = dataset.report;
  std::vector<SourceSession> sessions = import_files(files, config, report);
  report.sessions = std::ssize(sessions);
  std::set<std::string> clients;
  std::set<std::string> languages;
  for (const auto& session : sessions) clients.insert(session.client_id);
  report.clients = std::ssize(clients);
  make_ids_unique(sessions, report);
  sessions = filter_sessions(std::move(sessions), config, report);
  need_sessions(sessions, report);
  for (const auto& session : sessions)
    if (!session.language.empty()) languages.insert(session.language);
  dataset.languages.assign(languages.begin(), languages.end());
  fill_splits(sessions, config, dataset);
  return dataset;
}

void write_dataset(const Dataset& dataset, const std::vector<std::filesystem::path>& files,
                   const DatasetConfig& config, const std::filesystem::path& output,
                   Existing existing) {
  prepare_output(output, existing, files, "dataset");
  const bool replace = std::filesystem::exists(output);
  write_folder_atomic(output, replace, [&](const std::filesystem::path& folder) {
    for (std::size_t i = 0; i < kSplitNames.size(); ++i)
      write_json_lines(folder / (std::string(kSplitNames[i]) + ".jsonl"), dataset.splits[i],
                       [](const DatasetRow& row) {
                         throw_if_interrupted("dataset");
                         return to_json(row);
                       });
    write_json_lines(folder / "dropped.jsonl", left_out(dataset.report), dropped_json);
    write_file_atomic(folder / "dataset_info.json", dataset_info(dataset, config).dump(2) + "\n");
    write_file_atomic(folder / "README.md", data_card(dataset, config));
    std::vector<std::filesystem::path> inputs = files;
    if (!config.system.file.empty()) inputs.push_back(config.system.file.path);
    write_manifest(folder, {command_line(),
                            config_to_json(config),
                            inputs,
                            {},
                            {{"dataset", dataset.report.to_json()}}});
  });
}

}  // namespace sqpsych
