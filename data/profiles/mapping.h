#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/fields.h"
#include "data/answers/answer_reader.h"

/// A mapping (configs/profiles/NAME.json) says what the columns of an answer file mean. Columns are
/// named as in the file; `file.csv:name` when two files have the name.
namespace sqpsych {

struct JoinConfig {
  std::vector<std::string> columns;
  bool by_row_number = false;
  template <class Visitor>
  void fields(Visitor& visit) {
    visit("columns", columns, "key columns that every input file has");
    visit("by_row_number", by_row_number, "row n of every file is the same person");
  }
  void check(ProblemList& problems) const;
};

struct ClientIdConfig {
  std::string column;
  bool row_number = false;
  template <class Visitor>
  void fields(Visitor& visit) {
    visit("column", column, "column that identifies the person in the source");
    visit("row_number", row_number, "every row is another person, known by its number only");
  }
  void check(ProblemList& problems) const;
};

/// A text that a column gives, or one value for all rows.
struct TextSourceConfig {
  std::string column;
  std::string value;
  std::map<std::string, std::string> values;
  template <class Visitor>
  void fields(Visitor& visit) {
    visit("column", column, "column that gives it; empty: `value` for every row");
    visit("value", value, "the value of rows whose column is empty or not set");
    visit("values", values, "column content -> value; empty: the content as it is");
  }
};

struct QuestionnaireMapping {
  std::string name;
  std::map<std::string, std::string> items;
  std::map<std::string, std::int64_t> recode;
  std::map<std::string, std::map<std::string, std::int64_t>> item_recode;
  std::map<std::string, std::string> missing;
  std::string require = "any";
  template <class Visitor>
  void fields(Visitor& visit) {
    visit("name", name, "questionnaire folder under configs/questionnaires or --questionnaires");
    visit("items", items, "item id -> column");
    visit("recode", recode, "cell content -> item value, for all items");
    visit("item_recode", item_recode, "item id -> its own recode table");
    visit("missing", missing, "cell content -> reason why there is no value, e.g. refused");
    visit("require", require,
          "any: left out of a profile without answers; score: rows without its first score are "
          "skipped; complete: rows with a missing scored item are skipped",
          one_of({"any", "score", "complete"}));
  }
};

struct DemographicConfig {
  std::string column;
  std::map<std::string, std::string> values;
  std::map<std::string, std::string> missing;
  std::string others = "refuse";
  template <class Visitor>
  void fields(Visitor& visit) {
    visit("column", column, "column of the field");
    visit("values", values,
          "cell content -> text; empty: the file's value labels, else the content");
    visit("missing", missing, "cell content -> reason why there is no value");
    visit("others", others, "contents that a non-empty `values` does not list",
          one_of({"refuse", "keep"}));
  }
};

struct ScoreLevel {
  double at_least = 0;
  std::string name;
  template <class Visitor>
  void fields(Visitor& visit) {
    visit("at_least", at_least, "smallest score of the level");
    visit("name", name, "name of the group");
  }
};

/// The group steers generation (turn limits, prompts). It comes from a column or from a score and
/// is no diagnosis.
struct GroupConfig {
  std::string column;
  std::map<std::string, std::string> values;
  std::string score;
  std::vector<ScoreLevel> levels;
  template <class Visitor>
  void fields(Visitor& visit) {
    visit("column", column, "column of the group");
    visit("values", values, "cell content -> group; empty: the content as it is");
    visit("score", score, "QUESTIONNAIRE.SCORE that decides instead of a column");
    visit("levels", levels, "groups by score; the highest level reached counts");
  }
  void check(ProblemList& problems) const;
};

/// A column that says by itself that somebody is at risk.
struct RiskColumnConfig {
  std::string column;
  std::vector<std::string> positive;
  template <class Visitor>
  void fields(Visitor& visit) {
    visit("column", column, "column of the risk mark");
    visit("positive", positive, "contents that mean a risk");
  }
};

struct LinksConfig {
  ConfigPath key_file;
  template <class Visitor>
  void fields(Visitor& visit) {
    visit("key_file", key_file, "key of the pseudonyms; empty: a new one in OUTPUT/links/key");
  }
};

struct ProfilesConfig {
  AnswerFileConfig answers;
  JoinConfig join;
  ClientIdConfig client_id;
  TextSourceConfig occasion{"", "1", {}};
  TextSourceConfig language{"", "en", {}};
  std::vector<QuestionnaireMapping> questionnaires;
  ConfigPath questionnaires_folder;
  std::map<std::string, DemographicConfig> demographics;
  GroupConfig group;
  std::vector<RiskColumnConfig> risk;
  std::string notes;
  LinksConfig links;
  bool strict = false;
  std::optional<std::int64_t> max_failures;
  template <class Visitor>
  void fields(Visitor& visit) {
    visit("answers", answers, "how text files are read");
    visit("join", join, "how several files belong together");
    visit("client_id", client_id, "who a row is about");
    visit("occasion", occasion, "when; a person has one profile per occasion");
    visit("language", language, "language of the sentences: a wording file of every questionnaire");
    visit("questionnaires", questionnaires, "which columns are which items");
    visit("questionnaires_folder", questionnaires_folder, "folder with your own questionnaires");
    visit("demographics", demographics, "field -> column");
    visit("group", group, "group of a person");
    visit("risk", risk, "risk marks besides the questionnaires' risk items");
    visit("notes", notes, "column with free text for the profile");
    visit("links", links, "the link from pseudonym to source");
    visit("strict", strict, "stop at faulty rows instead of skipping and counting them");
    visit("max_failures", max_failures, "more faulty rows than this end with exit code 3",
          at_least(0));
  }
  void check(ProblemList& problems) const;
};

/// The entry of a table keyed by cell content: equal text, or equal as numbers ("1" is "1.0").
template <class T>
const T* find_by_content(const std::map<std::string, T>& table, const AnswerCell& cell) {
  const auto exact = table.find(cell.to_text());
  if (exact != table.end()) return &exact->second;
  const auto number = cell.to_number();
  if (!number) return nullptr;
  for (const auto& [key, value] : table)
    if (parse_number(key) == number) return &value;
  return nullptr;
}

}  // namespace sqpsych
