#include "generate/agents/visible_fields.h"

#include <algorithm>
#include <array>

#include "core/text.h"

namespace sqpsych {
namespace {

constexpr std::array kPlain = {"group", "occasion", "notes", "risk", "questionnaires"};
constexpr std::array kBranching = {"demographics", "items", "scores", "bands"};

struct FieldName {
  std::string root;
  std::string rest;
};

FieldName parse_name(const std::string& field) {
  const auto dot = field.find('.');
  if (dot == std::string::npos) return {field, ""};
  return {field.substr(0, dot), field.substr(dot + 1)};
}

template <class List>
bool contains(const List& list, const std::string& name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

std::string number_text(double value) {
  const auto whole = static_cast<long long>(value);
  return static_cast<double>(whole) == value ? std::to_string(whole) : format("{:.1f}", value);
}

void add_questionnaire(const ProfileQuestionnaire& questionnaire,
                       const std::vector<std::string>& may_read, Json& visible) {
  const auto& name = questionnaire.name;
  if (may_read_field(may_read, "items." + name))
    for (const auto& item : questionnaire.items)
      visible["items"].push_back({{"questionnaire", name},
                                  {"rater", questionnaire.rater},
                                  {"id", item.id},
                                  {"value", item.value ? Json(*item.value) : Json(nullptr)},
                                  {"sentence", item.sentence}});
  for (const auto& score : questionnaire.scores) {
    if (may_read_field(may_read, "scores." + name) && score.value)
      visible["scores"].push_back(
          {{"questionnaire", name}, {"name", score.name}, {"value", *score.value}});
    if (may_read_field(may_read, "bands." + name) && !score.band.empty())
      visible["bands"].push_back(
          {{"questionnaire", name}, {"name", score.name}, {"band", score.band}});
  }
}

std::string entry_text(const std::string& root, const Json& entry) {
  const auto questionnaire = entry["questionnaire"].get<std::string>();
  if (root == "items") return entry["sentence"].get<std::string>();
  const auto name = entry["name"].get<std::string>();
  const auto label = name == "total" ? questionnaire : questionnaire + " " + name;
  return root == "scores" ? format("{}: {}", label, number_text(entry["value"].get<double>()))
                          : format("{}: {}", label, entry["band"].get<std::string>());
}

std::string lines_of(const Json& list, const FieldName& name) {
  std::vector<std::string> lines;
  for (const auto& entry : list) {
    if (!name.rest.empty() && entry["questionnaire"] != name.rest) continue;
    auto text = entry_text(name.root, entry);
    if (!text.empty()) lines.push_back("- " + text);
  }
  return join(lines, "\n");
}

std::string demographics_text(const Json& demographics, const std::string& name) {
  if (!name.empty())
    return demographics.contains(name) ? demographics[name].get<std::string>() : "";
  std::vector<std::string> lines;
  for (const auto& [key, value] : demographics.items())
    lines.push_back(format("- {}: {}", key, value.get<std::string>()));
  return join(lines, "\n");
}

std::string joined_names(const Json& names) {
  std::vector<std::string> parts;
  for (const auto& name : names) parts.push_back(name.get<std::string>());
  return join(parts, ", ");
}

}  // namespace

bool is_field_name(const std::string& field) {
  const auto name = parse_name(field);
  if (contains(kPlain, field)) return true;
  return contains(kBranching, name.root) && (name.root == field || !name.rest.empty());
}

bool may_read_field(const std::vector<std::string>& may_read, const std::string& field) {
  return contains(may_read, field) || contains(may_read, parse_name(field).root);
}

void check_field_names(const std::vector<std::string>& may_read, const std::string& where,
                       ProblemList& problems) {
  for (const auto& field : may_read)
    if (!is_field_name(field))
      problems.add(
          format("{}: found '{}', expected a field: group, occasion, notes, risk, questionnaires, "
                 "demographics, items, scores or bands, the last four also with .NAME",
                 where, field));
}

Json visible_fields(const Profile& profile, const std::vector<std::string>& may_read) {
  Json visible = Json::object();
  if (may_read_field(may_read, "group") && !profile.group.empty()) visible["group"] = profile.group;
  if (may_read_field(may_read, "occasion")) visible["occasion"] = profile.occasion;
  if (may_read_field(may_read, "notes")) visible["notes"] = profile.notes;
  if (may_read_field(may_read, "risk")) visible["risk"] = profile.risk_positive;
  visible["demographics"] = Json::object();
  for (const auto& [name, value] : profile.demographics)
    if (may_read_field(may_read, "demographics." + name) && !value.empty())
      visible["demographics"][name] = value;
  for (const char* list : {"questionnaires", "items", "scores", "bands"})
    visible[list] = Json::array();
  for (const auto& questionnaire : profile.questionnaires) {
    if (may_read_field(may_read, "questionnaires"))
      visible["questionnaires"].push_back(questionnaire.name);
    add_questionnaire(questionnaire, may_read, visible);
  }
  return visible;
}

std::string field_text(const Json& visible, const std::string& field, const std::string& missing) {
  const auto name = parse_name(field);
  std::string text;
  if (name.root == "demographics") {
    text = demographics_text(visible["demographics"], name.rest);
  } else if (name.root == "questionnaires") {
    text = joined_names(visible["questionnaires"]);
  } else if (contains(kBranching, name.root)) {
    text = lines_of(visible[name.root], name);
  } else if (name.root == "risk") {
    text = visible.value("risk", false) ? "yes" : "no";
  } else if (visible.contains(name.root)) {
    text = visible[name.root].get<std::string>();
  }
  return text.empty() ? missing : text;
}

}  // namespace sqpsych
