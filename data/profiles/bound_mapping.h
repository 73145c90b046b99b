#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "data/profiles/joined_answers.h"
#include "data/profiles/mapping.h"
#include "data/questionnaires/questionnaire.h"

namespace sqpsych {

struct BoundItem {
  const ItemRule* rule = nullptr;
  ColumnRef column;
  std::map<std::string, std::int64_t> recode;  ///< cell content -> value; empty: as it is
  std::map<std::string, std::int64_t> texts;   ///< option texts of all languages, lower case
};

struct BoundQuestionnaire {
  const QuestionnaireMapping* mapping = nullptr;
  const Questionnaire* questionnaire = nullptr;
  std::vector<BoundItem> items;  ///< in the scale's order; only those with a column
};

/// A mapping whose questionnaires are loaded and whose columns are found in the files.
struct BoundMapping {
  const ProfilesConfig* config = nullptr;
  std::vector<BoundQuestionnaire> questionnaires;
  std::map<std::string, ColumnRef> demographics;
  std::vector<ColumnRef> risk;  ///< in the order of config.risk
  std::optional<ColumnRef> client_id;
  std::optional<ColumnRef> occasion;
  std::optional<ColumnRef> language;
  std::optional<ColumnRef> group;
  std::optional<ColumnRef> notes;
};

/// Loads the questionnaires a mapping names: from `folders`, the config's own folder, the shipped
/// ones, in this order.
std::vector<Questionnaire> load_questionnaires(const ProfilesConfig& config,
                                               std::vector<std::filesystem::path> folders);

/// Every unknown item, column, value, score and language in one ConfigError. `config` and
/// `questionnaires` must outlive the result.
BoundMapping bind_mapping(const ProfilesConfig& config,
                          const std::vector<Questionnaire>& questionnaires,
                          const JoinedAnswers& answers);

}  // namespace sqpsych
