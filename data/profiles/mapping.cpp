#include "data/profiles/mapping.h"

#include <set>

#include "core/text.h"

namespace sqpsych {

void JoinConfig::check(ProblemList& problems) const {
  if (by_row_number && !columns.empty())
    problems.add("found both columns and by_row_number, expected one of them");
}

void ClientIdConfig::check(ProblemList& problems) const {
  if (column.empty() == !row_number)
    problems.add(
        "found neither or both of column and row_number, expected one. Rows without any "
        "identifier need row_number: true");
}

void GroupConfig::check(ProblemList& problems) const {
  if (!column.empty() && !score.empty())
    problems.add("found both column and score, expected one of them");
  if (!score.empty() && score.find('.') == std::string::npos)
    problems.add(format("score: found '{}', expected QUESTIONNAIRE.SCORE", score));
  if (score.empty() != levels.empty()) problems.add("expected score and levels together");
}

void ProfilesConfig::check(ProblemList& problems) const {
  if (questionnaires.empty())
    problems.add("questionnaires: found none, expected at least one with its columns");
  std::set<std::string> seen;
  for (const auto& mapping : questionnaires) {
    if (mapping.name.empty()) problems.add("questionnaires: found one without name");
    if (!seen.insert(mapping.name).second)
      problems.add(format("questionnaires: '{}' is there twice", mapping.name));
    if (mapping.items.empty())
      problems.add(format("questionnaires: '{}': items: found none", mapping.name));
  }
  for (const auto& [field, demographic] : demographics)
    if (demographic.column.empty())
      problems.add(format("demographics.{}: column is missing", field));
}

}  // namespace sqpsych
