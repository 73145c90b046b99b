#include "data/profiles/joined_answers.h"

#include <algorithm>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "core/text.h"

namespace sqpsych {
namespace {

/// `file.csv:name` names the file too; column names may contain colons themselves.
std::pair<std::string, std::string> split_file(const std::string& name) {
  const auto colon = name.find(':');
  if (colon == std::string::npos) return {"", name};
  return {name.substr(0, colon), name.substr(colon + 1)};
}

/// One part of a key: "007" in one file is 7 in another. Digits are compared as text, since a
/// number would take two long identifiers for one.
std::string key_part(const AnswerCell& cell) {
  const std::string text =
      cell.kind == AnswerCell::Kind::kNumber ? number_text(cell.number) : cell.to_text();
  if (text.find_first_not_of("0123456789") != std::string::npos) return text;
  const std::size_t first = text.find_first_not_of('0');
  return first == std::string::npos ? "0" : text.substr(first);
}

/// The key of a row; nothing when a part of it is missing.
std::optional<std::string> key_of(const AnswerTable& table, const AnswerRow& row,
                                  const std::vector<std::string>& columns) {
  std::string key;
  for (const auto& column : columns) {
    const AnswerCell& cell = row.cells[*table.find_column(column)];
    if (cell.is_missing()) return std::nullopt;
    key += key_part(cell) + '\x1f';
  }
  return key;
}

}  // namespace

void MappingProblems::throw_if_any(const std::vector<std::string>& known_columns) {
  constexpr std::size_t kColumnsNamedSingly = 6;
  constexpr std::size_t kKnownColumnsShown = 60;
  if (!unknown_columns.empty()) {
    std::vector<std::string> known = known_columns;
    if (known.size() > kKnownColumnsShown) known.resize(kKnownColumnsShown);
    if (unknown_columns.size() <= kColumnsNamedSingly) {
      for (const auto& column : unknown_columns)
        problems.add(
            format("{}: column '{}' is in no file{}", column.where, column.name,
                   column.nearest.empty() ? "" : format(". Did you mean '{}'?", column.nearest)));
      problems.add("the columns there are: " + quoted_list(known));
    } else {
      std::vector<std::string> names;
      for (const auto& column : unknown_columns) names.push_back(column.name);
      problems.add(
          format("{} columns are in no file: {}. The columns there are: {}. Is this mapping "
                 "meant for these files?",
                 names.size(), quoted_list(names), quoted_list(known)));
    }
  }
  problems.throw_if_any<ConfigError>("mapping");
}

JoinedAnswers::JoinedAnswers(std::vector<AnswerTable> tables, const JoinConfig& join,
                             const std::string& base_column)
    : tables_(std::move(tables)), key_columns_(join.columns) {
  choose_base(base_column);
  if (tables_.size() > 1) check_join(join);
  if (tables_.size() == 1 || join.by_row_number) {
    join_by_row_number();
  } else {
    join_by_key(join.columns);
    count_left_out(join.columns);
  }
}

void JoinedAnswers::choose_base(const std::string& base_column) {
  const auto [file, name] = split_file(base_column);
  for (std::size_t i = 0; i < tables_.size(); ++i) {
    if (tables_[i].find_column(base_column) ||
        (tables_[i].file_name() == file && tables_[i].find_column(name))) {
      base_ = i;
      return;
    }
  }
}

void JoinedAnswers::check_join(const JoinConfig& join) const {
  ProblemList problems;
  if (join.columns.empty() && !join.by_row_number)
    problems.add(format("join: found no rule for {} files, expected key columns or by_row_number",
                        tables_.size()));
  for (const auto& table : tables_) {
    for (const auto& column : join.columns)
      if (table.count_columns(column) != 1)
        problems.add(format("join: column '{}': found {} times in {}, expected once", column,
                            table.count_columns(column), table.file_name()));
    if (join.by_row_number && table.rows.size() != base().rows.size())
      problems.add(
          format("join: found {} rows in {} and {} in {}, expected equal numbers for "
                 "by_row_number",
                 table.rows.size(), table.file_name(), base().rows.size(), base().file_name()));
  }
  problems.throw_if_any<ConfigError>("mapping");
}

void JoinedAnswers::join_by_row_number() {
  for (std::size_t i = 0; i < base().rows.size(); ++i) {
    JoinedRow joined;
    for (const auto& table : tables_) {
      joined.parts.push_back(&table.rows[i]);
      if (joined.fault.empty()) joined.fault = table.rows[i].fault;
    }
    rows_.push_back(std::move(joined));
  }
}

void JoinedAnswers::join_by_key(const std::vector<std::string>& columns) {
  using RowsByKey = std::unordered_map<std::string, std::vector<const AnswerRow*>>;
  std::vector<RowsByKey> rows_by_key(tables_.size());
  for (std::size_t i = 0; i < tables_.size(); ++i) {
    if (i == base_) continue;
    for (const auto& row : tables_[i].rows)
      if (const auto key = key_of(tables_[i], row, columns)) rows_by_key[i][*key].push_back(&row);
  }
  for (const auto& row : base().rows) {
    JoinedRow joined{std::vector<const AnswerRow*>(tables_.size()), row.fault, {}};
    joined.parts[base_] = &row;
    const auto key = key_of(base(), row, columns);
    bool has_all_partners = true;
    for (std::size_t i = 0; i < tables_.size(); ++i) {
      if (i == base_) continue;
      const auto found = key ? rows_by_key[i].find(*key) : rows_by_key[i].end();
      if (found == rows_by_key[i].end()) {
        has_all_partners = false;
        continue;
      }
      joined.parts[i] = found->second.front();
      if (found->second.size() > 1) {
        joined.fault =
            format("its key is in rows {} and {} of {}, expected once", found->second[0]->number,
                   found->second[1]->number, tables_[i].file_name());
        joined.fault_column = join(columns, ", ");
      } else if (joined.fault.empty() && !found->second.front()->fault.empty()) {
        joined.fault = format("row {} of {}: {}", found->second.front()->number,
                              tables_[i].file_name(), found->second.front()->fault);
      }
    }
    num_unmatched_ += !has_all_partners;
    rows_.push_back(std::move(joined));
  }
}

void JoinedAnswers::count_left_out(const std::vector<std::string>& columns) {
  std::unordered_set<std::string> base_keys;
  for (const auto& row : base().rows)
    if (auto key = key_of(base(), row, columns)) base_keys.insert(std::move(*key));
  for (const auto& table : tables_) {
    if (&table == &base()) continue;
    const auto count = std::count_if(table.rows.begin(), table.rows.end(), [&](const auto& row) {
      const auto key = key_of(table, row, columns);
      return !key || !base_keys.count(*key);
    });
    if (count > 0) left_out_[table.file_name()] += count;
  }
}

ColumnRef JoinedAnswers::resolve(const std::string& name, const std::string& where,
                                 MappingProblems& problems) const {
  const auto [file, name_in_file] = split_file(name);
  std::vector<ColumnRef> found;
  for (std::size_t i = 0; i < tables_.size(); ++i) {
    const bool names_file = !file.empty() && tables_[i].file_name() == file;
    const std::string& wanted = names_file ? name_in_file : name;
    for (std::size_t c = 0; c < tables_[i].columns.size(); ++c) {
      const std::string& column_name = tables_[i].columns[c].name;
      if (column_name == wanted && !column_name.empty()) found.push_back({i, c});
    }
  }
  const bool is_key =
      std::find(key_columns_.begin(), key_columns_.end(), name) != key_columns_.end();
  if (is_key)
    for (const auto& ref : found)
      if (ref.table == base_) return ref;
  if (found.size() == 1) return found.front();
  if (found.empty()) {
    problems.unknown_columns.push_back({where, name, nearest_name(name, column_names())});
    return {};
  }
  if (found[0].table == found[1].table) {
    problems.add(format("{}: column '{}' is in {} twice (columns {} and {}), expected once", where,
                        name, tables_[found[0].table].file_name(), found[0].column + 1,
                        found[1].column + 1));
  } else {
    problems.add(format("{}: column '{}' is in {} and in {}. Write '{}:{}'", where, name,
                        tables_[found[0].table].file_name(), tables_[found[1].table].file_name(),
                        tables_[found[0].table].file_name(), name));
  }
  return {};
}

std::vector<std::string> JoinedAnswers::column_names() const {
  std::vector<std::string> names;
  for (const auto& table : tables_)
    for (const auto& column : table.columns) names.push_back(column.name);
  return names;
}

const AnswerCell& JoinedAnswers::cell(const JoinedRow& row, ColumnRef ref) const {
  static const AnswerCell nothing;
  const AnswerRow* part = row.parts[ref.table];
  return part ? part->cells[ref.column] : nothing;
}

}  // namespace sqpsych
