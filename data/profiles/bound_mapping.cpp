#include "data/profiles/bound_mapping.h"

#include <algorithm>
#include <utility>

#include "core/text.h"

namespace sqpsych {
namespace {

const Questionnaire* find_by_name(const std::vector<Questionnaire>& questionnaires,
                                  const std::string& name) {
  for (const auto& questionnaire : questionnaires)
    if (questionnaire.name == name) return &questionnaire;
  return nullptr;
}

/// Files that carry answers as texts ("several days") are matched against these.
std::map<std::string, std::int64_t> option_texts(const Questionnaire& questionnaire,
                                                 const ItemRule& item) {
  std::map<std::string, std::int64_t> texts;
  const OptionSet& set = questionnaire.options_of(item);
  for (const auto& [language, wording] : questionnaire.wordings) {
    const auto options = wording.options.find(item.options);
    for (const auto value : set.values) {
      const std::string key = std::to_string(value);
      if (options != wording.options.end())
        texts.emplace(to_lower_ascii(options->second.at(key)), value);
      if (set.statements)
        texts.emplace(to_lower_ascii(wording.items.at(item.id).sentences.at(key)), value);
    }
  }
  return texts;
}

void check_recode(const Questionnaire& questionnaire, const ItemRule& rule, const BoundItem& item,
                  const std::string& where, MappingProblems& problems) {
  const auto& values = questionnaire.options_of(rule).values;
  for (const auto& [content, value] : item.recode)
    if (std::find(values.begin(), values.end(), value) == values.end())
      problems.add(format("{}: recode of '{}': found {}, expected {} to {}", where, content, value,
                          values.front(), values.back()));
}

BoundQuestionnaire bind_questionnaire(const QuestionnaireMapping& mapping,
                                      const Questionnaire& questionnaire,
                                      const JoinedAnswers& answers, MappingProblems& problems) {
  const std::string where = format("questionnaires.{}", mapping.name);
  const auto known = questionnaire.item_ids();
  for (const auto& [id, column] : mapping.items)
    if (!questionnaire.find_item(id))
      problems.add(
          format("{}: unknown item '{}', expected one of {}", where, id, quoted_list(known)));
  for (const auto& [id, table] : mapping.item_recode)
    if (!mapping.items.contains(id))
      problems.add(format("{}: item_recode: '{}' has no column in items", where, id));
  BoundQuestionnaire bound{&mapping, &questionnaire, {}};
  for (const auto& rule : questionnaire.scale.items) {
    const auto column = mapping.items.find(rule.id);
    if (column == mapping.items.end()) {
      if (rule.scored)
        problems.add(format("{}: scored item '{}' has no column in items", where, rule.id));
      continue;
    }
    BoundItem item;
    item.rule = &rule;
    item.column = answers.resolve(column->second, where + "." + rule.id, problems);
    const auto own = mapping.item_recode.find(rule.id);
    // An unscored item has other options: the common table is not meant for it.
    if (own != mapping.item_recode.end())
      item.recode = own->second;
    else if (rule.scored)
      item.recode = mapping.recode;
    item.texts = option_texts(questionnaire, rule);
    check_recode(questionnaire, rule, item, where + "." + rule.id, problems);
    bound.items.push_back(std::move(item));
  }
  return bound;
}

std::optional<ColumnRef> bind_column(const std::string& name, const std::string& where,
                                     const JoinedAnswers& answers, MappingProblems& problems) {
  if (name.empty()) return std::nullopt;
  return answers.resolve(name, where, problems);
}

void check_group_score(const GroupConfig& group, const std::vector<Questionnaire>& questionnaires,
                       MappingProblems& problems) {
  if (group.score.empty()) return;
  const auto dot = group.score.find('.');
  const auto* questionnaire = find_by_name(questionnaires, group.score.substr(0, dot));
  if (!questionnaire || !questionnaire->find_score(group.score.substr(dot + 1)))
    problems.add(
        format("group.score: '{}' is no score of the mapping's questionnaires", group.score));
}

void check_languages(const TextSourceConfig& language,
                     const std::vector<Questionnaire>& questionnaires, MappingProblems& problems) {
  std::vector<std::string> wanted;
  if (!language.value.empty()) wanted.push_back(language.value);
  for (const auto& [content, name] : language.values) wanted.push_back(name);
  for (const auto& questionnaire : questionnaires)
    for (const auto& name : wanted)
      if (!questionnaire.wordings.contains(name))
        problems.add(format("language: '{}': questionnaire '{}' has no {}.json", name,
                            questionnaire.name, name));
}

}  // namespace

std::vector<Questionnaire> load_questionnaires(const ProfilesConfig& config,
                                               std::vector<std::filesystem::path> folders) {
  if (!config.questionnaires_folder.empty()) folders.push_back(config.questionnaires_folder.path);
  for (const auto& folder : folders)
    if (!std::filesystem::is_directory(folder))
      throw ConfigError(
          format("questionnaires: '{}': found no such folder, expected one that holds "
                 "folders of questionnaires",
                 folder.string()));
  std::vector<Questionnaire> questionnaires;
  for (const auto& mapping : config.questionnaires)
    questionnaires.push_back(load_questionnaire(find_questionnaire(mapping.name, folders)));
  return questionnaires;
}

BoundMapping bind_mapping(const ProfilesConfig& config,
                          const std::vector<Questionnaire>& questionnaires,
                          const JoinedAnswers& answers) {
  MappingProblems problems;
  BoundMapping bound;
  bound.config = &config;
  for (const auto& mapping : config.questionnaires)
    bound.questionnaires.push_back(bind_questionnaire(
        mapping, *find_by_name(questionnaires, mapping.name), answers, problems));
  for (const auto& [field, demographic] : config.demographics)
    bound.demographics[field] =
        answers.resolve(demographic.column, "demographics." + field, problems);
  for (const auto& risk : config.risk)
    bound.risk.push_back(answers.resolve(risk.column, "risk", problems));
  bound.client_id = bind_column(config.client_id.column, "client_id", answers, problems);
  bound.occasion = bind_column(config.occasion.column, "occasion", answers, problems);
  bound.language = bind_column(config.language.column, "language", answers, problems);
  bound.group = bind_column(config.group.column, "group", answers, problems);
  bound.notes = bind_column(config.notes, "notes", answers, problems);
  check_group_score(config.group, questionnaires, problems);
  check_languages(config.language, questionnaires, problems);
  problems.throw_if_any(answers.column_names());
  return bound;
}

}  // namespace sqpsych
