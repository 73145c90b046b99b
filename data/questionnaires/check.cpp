#include <algorithm>
#include <cmath>
#include <set>

#include "core/text.h"
#include "data/questionnaires/questionnaire.h"

namespace sqpsych {
namespace {

void check_options(const Scale& scale, ProblemList& problems) {
  for (const auto& [name, set] : scale.options) {
    if (set.values.size() < 2)
      problems.add(format("scale.json: options.{}: found {} values, expected at least 2", name,
                          set.values.size()));
    if (std::adjacent_find(set.values.begin(), set.values.end(), std::greater_equal<>()) !=
        set.values.end())
      problems.add(format("scale.json: options.{}.values: expected ascending numbers", name));
    const bool used = std::any_of(scale.items.begin(), scale.items.end(),
                                  [&](const ItemRule& item) { return item.options == name; });
    if (!used) problems.add(format("scale.json: options.{}: used by no item", name));
  }
}

void check_items(const Questionnaire& questionnaire, ProblemList& problems) {
  const Scale& scale = questionnaire.scale;
  if (scale.items.empty()) problems.add("scale.json: items: found none, expected at least one");
  std::set<std::string> seen;
  for (const auto& item : scale.items) {
    if (item.id.empty()) problems.add("scale.json: items: found an item without id");
    if (!seen.insert(item.id).second)
      problems.add(format("scale.json: items: '{}' is there twice", item.id));
    const auto options = scale.options.find(item.options);
    if (options == scale.options.end()) {
      std::vector<std::string> known;
      for (const auto& [name, set] : scale.options) known.push_back(name);
      problems.add(format("scale.json: items: '{}': options '{}' unknown, expected one of {}",
                          item.id, item.options, quoted_list(known)));
    } else if (item.risk && (item.risk->at_least < options->second.values.front() ||
                             item.risk->at_least > options->second.values.back())) {
      problems.add(format("scale.json: items: '{}': risk.at_least {} is outside {} to {}", item.id,
                          item.risk->at_least, options->second.values.front(),
                          options->second.values.back()));
    }
  }
}

/// Lowest and highest value a score can take.
std::pair<double, double> score_range(const Questionnaire& questionnaire, const ScoreRule& score) {
  double lowest = 0;
  double highest = 0;
  const auto ids = questionnaire.items_of(score);
  for (const auto& id : ids) {
    const auto& values = questionnaire.options_of(*questionnaire.find_item(id)).values;
    lowest += static_cast<double>(values.front());
    highest += static_cast<double>(values.back());
  }
  if (score.rule == "sum" || ids.empty()) return {lowest, highest};
  const auto count = static_cast<double>(ids.size());
  return {lowest / count, highest / count};
}

void check_bands(const Questionnaire& questionnaire, const ScoreRule& score,
                 ProblemList& problems) {
  if (score.bands.empty()) return;
  const std::string where = format("scale.json: scores.{}: bands", score.name);
  if (score.bands_source.empty()) problems.add(where + ": bands_source is missing");
  const auto [lowest, highest] = score_range(questionnaire, score);
  if (score.bands.front().from != lowest)
    problems.add(format("{}: found a start at {}, expected {}, the lowest score", where,
                        score.bands.front().from, lowest));
  if (score.bands.back().to != highest)
    problems.add(format("{}: found an end at {}, expected {}, the highest score", where,
                        score.bands.back().to, highest));
  const double step = score.rule == "sum" ? 1 : 0;
  std::set<std::string> names;
  for (std::size_t i = 0; i < score.bands.size(); ++i) {
    const Band& band = score.bands[i];
    if (!names.insert(band.name).second) problems.add(format("{}: '{}' twice", where, band.name));
    if (band.to < band.from)
      problems.add(
          format("{}: '{}' runs from {} down to {}", where, band.name, band.from, band.to));
    if (i == 0) continue;
    const Band& before = score.bands[i - 1];
    const double expected = before.to + step;
    if (band.from != expected)
      problems.add(format("{}: {} between '{}' and '{}': '{}' starts at {}, expected {}", where,
                          band.from < expected ? "overlap" : "gap", before.name, band.name,
                          band.name, band.from, expected));
  }
}

void check_scores(const Questionnaire& questionnaire, ProblemList& problems) {
  const auto known = questionnaire.item_ids();
  std::set<std::string> seen;
  for (const auto& score : questionnaire.scale.scores) {
    const std::string where = format("scale.json: scores.{}", score.name);
    if (score.name.empty()) problems.add("scale.json: scores: found a score without name");
    if (!seen.insert(score.name).second) problems.add(where + ": the name is there twice");
    bool items_known = true;
    for (const auto& id : score.items) {
      const ItemRule* item = questionnaire.find_item(id);
      if (!item) {
        problems.add(
            format("{}: unknown item '{}', expected one of {}", where, id, quoted_list(known)));
      } else if (!item->scored) {
        problems.add(format("{}: item '{}' is declared as not scored", where, id));
      }
      items_known &= item != nullptr;
    }
    const auto count = static_cast<std::int64_t>(questionnaire.items_of(score).size());
    if (count == 0) problems.add(where + ": no scored item");
    if (score.missing.allowed >= count && count > 0)
      problems.add(format("{}: missing.allowed: found {}, expected less than its {} items", where,
                          score.missing.allowed, count));
    if (score.missing.allowed > 0 && score.missing.source.empty())
      problems.add(where + ": missing.source is missing");
    if (items_known) check_bands(questionnaire, score, problems);
  }
}

void check_texts(const std::map<std::string, std::string>& texts,
                 const std::vector<std::string>& expected, const std::string& where,
                 ProblemList& problems) {
  for (const auto& key : expected) {
    const auto found = texts.find(key);
    if (found == texts.end() || trim(found->second).empty())
      problems.add(format("{}: text for '{}' is missing", where, key));
  }
  for (const auto& [key, text] : texts)
    if (std::find(expected.begin(), expected.end(), key) == expected.end())
      problems.add(
          format("{}: unknown key '{}', expected one of {}", where, key, quoted_list(expected)));
}

std::vector<std::string> keys_of(const OptionSet& set) {
  std::vector<std::string> keys;
  for (const auto value : set.values) keys.push_back(std::to_string(value));
  return keys;
}

void check_item_texts(const Questionnaire& questionnaire, const Wording& wording,
                      const std::string& file, ProblemList& problems) {
  const auto known = questionnaire.item_ids();
  for (const auto& item : questionnaire.scale.items) {
    const std::string where = format("{}: items.{}", file, item.id);
    const auto found = wording.items.find(item.id);
    if (found == wording.items.end()) {
      problems.add(where + ": the item has no texts");
      continue;
    }
    if (trim(found->second.label).empty()) problems.add(where + ": label is missing");
    check_texts(found->second.sentences, keys_of(questionnaire.options_of(item)),
                where + ".sentences", problems);
  }
  for (const auto& [id, texts] : wording.items)
    if (!questionnaire.find_item(id))
      problems.add(
          format("{}: items: unknown item '{}', expected one of {}", file, id, quoted_list(known)));
}

void check_score_texts(const Questionnaire& questionnaire, const Wording& wording,
                       const std::string& file, ProblemList& problems) {
  for (const auto& score : questionnaire.scale.scores) {
    const std::string where = format("{}: scores.{}", file, score.name);
    std::vector<std::string> bands;
    for (const auto& band : score.bands) bands.push_back(band.name);
    const auto found = wording.scores.find(score.name);
    if (found == wording.scores.end()) {
      problems.add(where + ": the score has no texts");
      continue;
    }
    if (trim(found->second.label).empty()) problems.add(where + ": label is missing");
    check_texts(found->second.bands, bands, where + ".bands", problems);
  }
  for (const auto& [name, texts] : wording.scores)
    if (!questionnaire.find_score(name))
      problems.add(format("{}: scores: unknown score '{}'", file, name));
}

void check_wording(const Questionnaire& questionnaire, const std::string& language,
                   ProblemList& problems) {
  const Wording& wording = questionnaire.wordings.at(language);
  const std::string file = language + ".json";
  if (trim(wording.label).empty()) problems.add(file + ": label is missing");
  if (trim(wording.stem).empty()) problems.add(file + ": stem is missing");
  for (const auto& [name, set] : questionnaire.scale.options) {
    const auto texts = wording.options.find(name);
    const std::string where = format("{}: options.{}", file, name);
    if (texts != wording.options.end()) {
      check_texts(texts->second, keys_of(set), where, problems);
    } else if (!set.statements) {
      problems.add(where + ": the option set has no texts");
    }
  }
  for (const auto& [name, texts] : wording.options)
    if (!questionnaire.scale.options.contains(name))
      problems.add(format("{}: options: unknown option set '{}'", file, name));
  check_item_texts(questionnaire, wording, file, problems);
  check_score_texts(questionnaire, wording, file, problems);
}

}  // namespace

void check_questionnaire(const Questionnaire& questionnaire, ProblemList& problems) {
  if (questionnaire.scale.version.empty()) problems.add("scale.json: version is missing");
  if (questionnaire.scale.licence.empty()) problems.add("scale.json: licence is missing");
  ProblemList structure;
  check_options(questionnaire.scale, structure);
  check_items(questionnaire, structure);
  for (const auto& problem : structure.problems()) problems.add(problem);
  if (questionnaire.wordings.empty())
    problems.add("found no wording file, expected at least one, e.g. en.json");
  // Texts and scores are looked up through items and option sets: those come first.
  if (!structure.empty()) return;
  check_scores(questionnaire, problems);
  for (const auto& [language, wording] : questionnaire.wordings)
    check_wording(questionnaire, language, problems);
}

}  // namespace sqpsych
