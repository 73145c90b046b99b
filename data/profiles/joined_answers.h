#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/error.h"
#include "data/answers/answer_table.h"
#include "data/profiles/mapping.h"

namespace sqpsych {

/// A column of one of the joined files.
struct ColumnRef {
  std::size_t table = 0;
  std::size_t column = 0;
};

/// Faults of a mapping against its files. Unknown columns are kept apart: the wrong file has
/// dozens.
struct MappingProblems {
  struct UnknownColumn {
    std::string where;
    std::string name;
    std::string nearest;  ///< the known column it resembles, or empty
  };
  ProblemList problems;
  std::vector<UnknownColumn> unknown_columns;
  void add(std::string problem) { problems.add(std::move(problem)); }
  /// ConfigError with all of them; the known columns are listed once.
  void throw_if_any(const std::vector<std::string>& known_columns);
};

/// One row of the base file with its partners; null where a file has none.
struct JoinedRow {
  std::vector<const AnswerRow*> parts;
  std::string fault;         ///< why the row cannot be joined: its key is in a file twice, ...
  std::string fault_column;  ///< where, when the fault has a column
};

/// Answer files side by side. The base is the file with `base_column`, wherever it stands on the
/// command line: each of its rows gives one joined row, partners are looked up by key.
class JoinedAnswers {
 public:
  /// ConfigError when several files come without a rule to join them or without its key columns.
  JoinedAnswers(std::vector<AnswerTable> tables, const JoinConfig& join,
                const std::string& base_column);

  const std::vector<JoinedRow>& rows() const { return rows_; }
  const AnswerTable& base() const { return tables_[base_]; }
  const AnswerRow& base_row(const JoinedRow& row) const { return *row.parts[base_]; }
  const std::vector<AnswerTable>& tables() const { return tables_; }
  /// Base rows without a partner in at least one other file.
  std::int64_t num_unmatched() const { return num_unmatched_; }
  /// Rows of the other files that no base row has as its partner, by file name.
  const std::map<std::string, std::int64_t>& left_out() const { return left_out_; }

  /// Position of a mapped column; an unknown, doubled or ambiguous name is added to `problems`.
  ColumnRef resolve(const std::string& name, const std::string& where,
                    MappingProblems& problems) const;
  /// The columns of all files.
  std::vector<std::string> column_names() const;
  const AnswerColumn& column(ColumnRef ref) const { return tables_[ref.table].columns[ref.column]; }
  /// The cell of a joined row; a missing cell where the file has no partner row.
  const AnswerCell& cell(const JoinedRow& row, ColumnRef ref) const;

 private:
  void choose_base(const std::string& base_column);
  void check_join(const JoinConfig& join) const;
  void join_by_row_number();
  void join_by_key(const std::vector<std::string>& columns);
  void count_left_out(const std::vector<std::string>& columns);

  std::vector<AnswerTable> tables_;
  std::vector<std::string> key_columns_;
  std::vector<JoinedRow> rows_;
  std::size_t base_ = 0;
  std::int64_t num_unmatched_ = 0;
  std::map<std::string, std::int64_t> left_out_;
};

}  // namespace sqpsych
