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

/// Sums over a group of items: their lowest values, and the widths of their ranges.
struct Ranges {
  double lowest = 0;
  double width = 0;
  void add(const std::vector<std::int64_t>& values) {
    lowest += static_cast<double>(values.front());
    width += static_cast<double>(values.back() - values.front());
  }
};

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
  Ranges answered;
  Ranges missing;
  for (const auto& id : ids) {
    const auto& values = questionnaire.options_of(*questionnaire.find_item(id)).values;
    const auto answer = answers.find(id);
    if (answer == answers.end()) {
      ++score.missing;
      missing.add(values);
    } else {
      sum += scored_value(questionnaire, id, answer->second);
      answered.add(values);
    }
  }
  if (score.missing > rule.missing.allowed) return score;
  if (score.missing > 0) {
    score.prorated = rule.missing.fill == "prorate";
    const double above_lowest = sum - answered.lowest;
    sum += missing.lowest;
    if (score.prorated) sum += above_lowest * missing.width / answered.width;
  }
  if (rule.rule == "mean") {
    score.value = sum / static_cast<double>(ids.size());
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
