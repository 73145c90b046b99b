#include "data/profiles/profile_builder.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/text.h"
#include "data/questionnaires/score.h"

namespace sqpsych {
namespace {

constexpr const char* kNotAnswered = "not answered";

std::string values_text(const std::vector<std::int64_t>& values) {
  return format("{} to {}", values.front(), values.back());
}

/// Builds one row step by step; problems are collected, not thrown.
class Builder {
 public:
  Builder(const BoundMapping& mapping, const JoinedAnswers& answers, const JoinedRow& row)
      : mapping_(mapping), config_(*mapping.config), answers_(answers), row_(row) {}

  std::variant<BuiltProfile, std::vector<RowProblem>> build() {
    if (!row_.fault.empty())
      return std::vector<RowProblem>{{SkipReason::kBadRow, row_.fault_column, row_.fault}};
    read_identity();
    read_language();
    for (const auto& questionnaire : mapping_.questionnaires) read_questionnaire(questionnaire);
    read_demographics();
    read_group();
    read_risk_columns();
    if (mapping_.notes) profile_.notes = cell(*mapping_.notes).to_text();
    if (problems_.empty() && profile_.questionnaires.empty())
      add(SkipReason::kNothingAnswered, "", "no item of any questionnaire is answered");
    if (!problems_.empty()) return std::move(problems_);
    profile_.risk_positive = !profile_.risk_items.empty();
    return BuiltProfile{std::move(profile_), std::move(source_id_)};
  }

 private:
  const AnswerCell& cell(ColumnRef ref) const { return answers_.cell(row_, ref); }
  const std::string& name(ColumnRef ref) const { return answers_.column(ref).name; }

  void add(SkipReason reason, const std::string& column, std::string detail) {
    problems_.push_back({reason, column, std::move(detail)});
  }

  void read_identity() {
    if (!mapping_.client_id) {
      source_id_ = format("row {}", answers_.base_row(row_).number);
    } else {
      const AnswerCell& id = cell(*mapping_.client_id);
      source_id_ = id.to_text();
      if (id.is_missing())
        add(SkipReason::kNoClientId, name(*mapping_.client_id),
            "found nothing, expected an identifier");
    }
    profile_.occasion = text_from(mapping_.occasion, config_.occasion, "occasion");
  }

  std::string text_from(const std::optional<ColumnRef>& column, const TextSourceConfig& source,
                        const char* what) {
    if (!column || cell(*column).is_missing()) return source.value;
    if (source.values.empty()) return cell(*column).to_text();
    if (const auto* value = find_by_content(source.values, cell(*column))) return *value;
    add(SkipReason::kUnknownContent, name(*column),
        format("found a content that {}.values does not list", what));
    return "";
  }

  void read_language() {
    const std::size_t problems_before = problems_.size();
    profile_.language = text_from(mapping_.language, config_.language, "language");
    if (profile_.language.empty() && problems_.size() == problems_before)
      add(SkipReason::kUnknownContent, mapping_.language ? name(*mapping_.language) : "",
          "found no language, expected one. Set language.value");
    for (const auto& bound : mapping_.questionnaires)
      if (!profile_.language.empty() &&
          !bound.questionnaire->wordings.contains(profile_.language)) {
        add(SkipReason::kUnknownContent, mapping_.language ? name(*mapping_.language) : "",
            format("questionnaire '{}' has no wording in this row's language",
                   bound.questionnaire->name));
        profile_.language.clear();
      }
  }

  /// The value of an item, or nothing with the reason in `missing`.
  std::optional<std::int64_t> read_item(const BoundQuestionnaire& bound, const BoundItem& item,
                                        std::string& missing) {
    const AnswerCell& content = cell(item.column);
    const auto& reasons = bound.mapping->missing;
    if (content.is_missing()) {
      const auto declared = reasons.find(content.text);
      missing = declared != reasons.end() ? declared->second : content.text;
      if (missing.empty()) missing = kNotAnswered;
      return std::nullopt;
    }
    if (const auto* reason = find_by_content(reasons, content)) {
      missing = *reason;
      return std::nullopt;
    }
    if (!item.recode.empty()) {
      if (const auto* value = find_by_content(item.recode, content)) return *value;
    } else if (const auto number = content.to_number()) {
      const auto& values = bound.questionnaire->options_of(*item.rule).values;
      for (const auto value : values)
        if (static_cast<double>(value) == *number) return value;
    } else if (const auto text = item.texts.find(to_lower_ascii(content.to_text()));
               text != item.texts.end()) {
      return text->second;
    }
    refuse_item(bound, item, content);
    return std::nullopt;
  }

  void refuse_item(const BoundQuestionnaire& bound, const BoundItem& item,
                   const AnswerCell& content) {
    const auto& values = bound.questionnaire->options_of(*item.rule).values;
    std::vector<std::string> codes;
    for (const auto& [code, value] : item.recode) codes.push_back(code);
    const std::string expected =
        codes.empty() ? values_text(values) : "one of " + join(codes, ", ");
    // A text may be anything, even a name: it is not repeated in messages.
    const auto number = content.to_number();
    add(SkipReason::kOutOfRange, name(item.column),
        format("found {}, expected {}", number ? number_text(*number) : "a text", expected));
  }

  void read_questionnaire(const BoundQuestionnaire& bound) {
    const Questionnaire& questionnaire = *bound.questionnaire;
    const auto wording = questionnaire.wordings.find(profile_.language);
    ProfileQuestionnaire result;
    result.name = questionnaire.name;
    result.version = questionnaire.scale.version;
    result.rater = questionnaire.scale.rater;
    if (wording != questionnaire.wordings.end()) result.label = wording->second.label;
    ItemAnswers values;
    for (const auto& item : bound.items) {
      ProfileItem answer;
      answer.id = item.rule->id;
      if (const auto value = read_item(bound, item, answer.missing)) {
        values[answer.id] = *value;
        answer.value = static_cast<double>(*value);
        if (wording != questionnaire.wordings.end())
          answer.sentence =
              wording->second.items.at(answer.id).sentences.at(std::to_string(*value));
      }
      result.items.push_back(std::move(answer));
    }
    add_scores(bound, values, result);
    if (values.empty()) {
      if (bound.mapping->require != "any") {
        add(SkipReason::kNothingAnswered, "",
            format("no item of '{}' is answered", questionnaire.name));
      }
      return;
    }
    for (const auto& id : positive_risk_items(questionnaire, values))
      profile_.risk_items.push_back(questionnaire.name + "." + id);
    check_required(bound, values, result);
    profile_.questionnaires.push_back(std::move(result));
  }

  void add_scores(const BoundQuestionnaire& bound, const ItemAnswers& values,
                  ProfileQuestionnaire& result) {
    const auto wording = bound.questionnaire->wordings.find(profile_.language);
    for (auto& score : compute_scores(*bound.questionnaire, values)) {
      ProfileScore entry{score.name, score.value, score.band, score.missing, score.prorated};
      if (!score.band.empty() && wording != bound.questionnaire->wordings.end())
        entry.band_label = wording->second.scores.at(score.name).bands.at(score.band);
      result.scores.push_back(std::move(entry));
    }
  }

  void check_required(const BoundQuestionnaire& bound, const ItemAnswers& values,
                      const ProfileQuestionnaire& result) {
    const std::string& require = bound.mapping->require;
    if (require == "score" && !result.scores.empty() && !result.scores.front().value)
      add(SkipReason::kNoScore, "",
          format("{} items of '{}' are missing", result.scores.front().missing, result.name));
    if (require != "complete") return;
    const auto& items = bound.questionnaire->scale.items;
    const auto missing = std::count_if(items.begin(), items.end(), [&](const ItemRule& item) {
      return item.scored && !values.contains(item.id);
    });
    if (missing > 0)
      add(SkipReason::kIncomplete, "",
          format("{} items of '{}' are missing", missing, result.name));
  }

  void read_demographics() {
    for (const auto& [field, column] : mapping_.demographics) {
      const DemographicConfig& demographic = config_.demographics.at(field);
      const AnswerCell& content = cell(column);
      if (content.is_missing() || find_by_content(demographic.missing, content)) continue;
      if (const auto* value = find_by_content(demographic.values, content)) {
        profile_.demographics[field] = *value;
      } else if (demographic.values.empty() || demographic.others == "keep") {
        const auto* label = find_by_content(answers_.column(column).value_labels, content);
        profile_.demographics[field] = label ? *label : content.to_text();
      } else {
        add(SkipReason::kUnknownContent, name(column),
            format("found a content that demographics.{}.values does not list", field));
      }
    }
  }

  void read_group() {
    const GroupConfig& group = config_.group;
    if (mapping_.group) {
      const AnswerCell& content = cell(*mapping_.group);
      if (content.is_missing()) return;
      const auto* listed = find_by_content(group.values, content);
      const auto* label = find_by_content(answers_.column(*mapping_.group).value_labels, content);
      if (listed) {
        profile_.group = *listed;
      } else if (group.values.empty()) {
        profile_.group = label ? *label : content.to_text();
      } else {
        add(SkipReason::kUnknownContent, name(*mapping_.group),
            "found a content that group.values does not list");
      }
    } else if (!group.score.empty()) {
      read_group_score(group);
    }
  }

  void read_group_score(const GroupConfig& group) {
    for (const auto& questionnaire : profile_.questionnaires)
      for (const auto& score : questionnaire.scores) {
        if (questionnaire.name + "." + score.name != group.score || !score.value) continue;
        const ScoreLevel* reached = nullptr;
        for (const auto& level : group.levels)
          if (*score.value >= level.at_least && (!reached || level.at_least > reached->at_least))
            reached = &level;
        if (reached) profile_.group = reached->name;
      }
  }

  void read_risk_columns() {
    for (std::size_t i = 0; i < mapping_.risk.size(); ++i) {
      const AnswerCell& content = cell(mapping_.risk[i]);
      std::map<std::string, bool> positive;
      for (const auto& text : config_.risk[i].positive) positive[text] = true;
      if (!content.is_missing() && find_by_content(positive, content))
        profile_.risk_items.push_back("answers." + config_.risk[i].column);
    }
  }

  const BoundMapping& mapping_;
  const ProfilesConfig& config_;
  const JoinedAnswers& answers_;
  const JoinedRow& row_;
  Profile profile_;
  std::string source_id_;
  std::vector<RowProblem> problems_;
};

}  // namespace

std::string name_of(SkipReason reason) {
  switch (reason) {
    case SkipReason::kOutOfRange:
      return "out_of_range";
    case SkipReason::kUnknownContent:
      return "unknown_content";
    case SkipReason::kBadRow:
      return "bad_row";
    case SkipReason::kNoClientId:
      return "no_client_id";
    case SkipReason::kDuplicate:
      return "duplicate";
    case SkipReason::kNothingAnswered:
      return "nothing_answered";
    case SkipReason::kNoScore:
      return "no_score";
    case SkipReason::kIncomplete:
      return "incomplete";
  }
  return "";
}

bool is_fault(SkipReason reason) {
  return reason != SkipReason::kNothingAnswered && reason != SkipReason::kNoScore &&
         reason != SkipReason::kIncomplete;
}

std::variant<BuiltProfile, std::vector<RowProblem>> build_profile(const BoundMapping& mapping,
                                                                  const JoinedAnswers& answers,
                                                                  const JoinedRow& row) {
  return Builder(mapping, answers, row).build();
}

}  // namespace sqpsych
