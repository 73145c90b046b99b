#include "data/questionnaires/score.h"

#include <cmath>

namespace sqpsych {
namespace {

double scored_value(const Questionnaire& questionnaire, const std::string& id,
                    std::int64_t answer) {
  const ItemRule& item = *questionnaire.find_item(id);
  if (!item.reverse) return static_cast<double>(answer);
  const auto& values = questionnaire.options_of(item).values;
  return static_cast<double>(values.front() + values.back() - answer);
}

double lowest_value(const Questionnaire& questionnaire, const std::string& id) {
  return static_cast<double>(questionnaire.options_of(*questionnaire.find_item(id)).values.front());
}

}  // namespace

std::string band_of(const ScoreRule& rule, double value) {
  for (std::size_t i = 0; i < rule.bands.size(); ++i) {
    const Band& band = rule.bands[i];
    const bool last = i + 1 == rule.bands.size();
    const bool below_end = rule.rule == "sum" || last ? value <= band.to : value < band.to;
    if (value >= band.from && below_end) return band.name;
  }
  return "";
}

Score compute_score(const Questionnaire& questionnaire, const ScoreRule& rule,
                    const ItemAnswers& answers) {
  const auto ids = questionnaire.items_of(rule);
  Score score;
  score.name = rule.name;
  double sum = 0;
  double filled_with_lowest = 0;
  for (const auto& id : ids) {
    const auto answer = answers.find(id);
    if (answer == answers.end()) {
      ++score.missing;
      filled_with_lowest += lowest_value(questionnaire, id);
    } else {
      sum += scored_value(questionnaire, id, answer->second);
    }
  }
  if (score.missing > rule.missing.allowed) return score;
  const auto count = static_cast<double>(ids.size());
  const double answered = count - static_cast<double>(score.missing);
  if (rule.missing.fill == "zero") {
    sum += filled_with_lowest;
  } else if (score.missing > 0) {
    sum = sum / answered * count;
    score.prorated = true;
  }
  if (rule.rule == "mean") {
    score.value = sum / count;
  } else {
    score.value = score.prorated ? std::floor(sum + 0.5) : sum;
  }
  score.band = band_of(rule, *score.value);
  return score;
}

std::vector<Score> compute_scores(const Questionnaire& questionnaire, const ItemAnswers& answers) {
  std::vector<Score> scores;
  for (const auto& rule : questionnaire.scale.scores)
    scores.push_back(compute_score(questionnaire, rule, answers));
  return scores;
}

std::vector<std::string> positive_risk_items(const Questionnaire& questionnaire,
                                             const ItemAnswers& answers) {
  std::vector<std::string> positive;
  for (const auto& item : questionnaire.scale.items) {
    const auto answer = answers.find(item.id);
    if (item.risk && answer != answers.end() && answer->second >= item.risk->at_least)
      positive.push_back(item.id);
  }
  return positive;
}

}  // namespace sqpsych
