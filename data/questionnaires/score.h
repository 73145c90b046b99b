#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "data/questionnaires/questionnaire.h"

namespace sqpsych {

/// Value per item id; an item that was not answered is absent.
using ItemAnswers = std::map<std::string, std::int64_t>;

struct Score {
  std::string name;
  std::optional<double> value;  ///< nothing when more items are missing than the rule allows
  std::string band;             ///< name of the band
  std::int64_t missing = 0;
  bool prorated = false;
};

/// One score. Prorating puts missing items where the answered ones stand on average between their
/// lowest and highest option: with equal options that is their mean, and no sum exceeds the scale.
/// A prorated sum is rounded to the nearest whole number (half up), so that it falls into a band.
Score compute_score(const Questionnaire& questionnaire, const ScoreRule& rule,
                    const ItemAnswers& answers);

/// Every score of the scale, in its order.
std::vector<Score> compute_scores(const Questionnaire& questionnaire, const ItemAnswers& answers);

/// Name of the band that holds `value`, or empty.
std::string band_of(const ScoreRule& rule, double value);

/// Ids of the items whose answer reaches their risk rule.
std::vector<std::string> positive_risk_items(const Questionnaire& questionnaire,
                                             const ItemAnswers& answers);

}  // namespace sqpsych
