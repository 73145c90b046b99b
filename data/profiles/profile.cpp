#include "data/profiles/profile.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <string_view>
#include <utility>

#include "core/error.h"
#include "core/json_lines.h"
#include "core/text.h"

namespace sqpsych {
namespace {

constexpr const char* kProfileSchema = "sqpsych.profile/1";
constexpr std::array<std::string_view, 9> kKnownKeys = {
    "schema",       "client_id",      "occasion", "language", "group",
    "demographics", "questionnaires", "risk",     "notes"};

/// Names the type alone: the value may be an answer, which no message repeats.
[[noreturn]] void wrong_type(const std::string& where, std::string_view key, const Json& found,
                             const char* expected) {
  throw FormatError(
      format("{}: '{}': found {}, expected {}", where, key, found.type_name(), expected));
}

/// The value of an optional key; null when it is absent.
const Json* find_value(const Json& record, const char* key) {
  const auto found = record.find(key);
  return found == record.end() || found->is_null() ? nullptr : &*found;
}

std::string stored_text(const Json& record, const char* key, const std::string& where) {
  const Json* value = find_value(record, key);
  if (!value) return "";
  if (!value->is_string()) wrong_type(where, key, *value, "a text");
  return value->get<std::string>();
}

std::optional<double> number_or_null(const Json& record, const char* key,
                                     const std::string& where) {
  const Json* value = find_value(record, key);
  if (!value) return std::nullopt;
  if (!value->is_number()) wrong_type(where, key, *value, "a number or null");
  return value->get<double>();
}

bool true_or_false(const Json& record, const char* key, const std::string& where) {
  const Json* value = find_value(record, key);
  if (!value) return false;
  if (!value->is_boolean()) wrong_type(where, key, *value, "true or false");
  return value->get<bool>();
}

/// The objects of a list, each with its place for messages.
template <class Visit>
void for_each_object(const Json& record, const char* key, const std::string& where, Visit visit) {
  const Json* list = find_value(record, key);
  if (!list) return;
  if (!list->is_array()) wrong_type(where, key, *list, "a list");
  for (std::size_t i = 0; i < list->size(); ++i) {
    const std::string place = format("{}: {}[{}]", where, key, i);
    if (!(*list)[i].is_object())
      throw FormatError(format("{}: found {}, expected an object", place, (*list)[i].type_name()));
    visit((*list)[i], place);
  }
}

Json number_json(const std::optional<double>& value) {
  if (!value) return nullptr;
  const bool is_whole = std::abs(*value) < 0x1p53 && *value == std::trunc(*value);
  return is_whole ? Json(static_cast<std::int64_t>(*value)) : Json(*value);
}

Json item_json(const ProfileItem& item) {
  Json json{{"id", item.id}, {"value", number_json(item.value)}, {"sentence", item.sentence}};
  if (!item.missing.empty()) json["missing"] = item.missing;
  return json;
}

Json score_json(const ProfileScore& score) {
  return {{"name", score.name},       {"value", number_json(score.value)},
          {"band", score.band},       {"band_label", score.band_label},
          {"missing", score.missing}, {"prorated", score.prorated}};
}

Json questionnaire_json(const ProfileQuestionnaire& questionnaire) {
  Json items = Json::array();
  for (const auto& item : questionnaire.items) items.push_back(item_json(item));
  Json scores = Json::array();
  for (const auto& score : questionnaire.scores) scores.push_back(score_json(score));
  return {{"name", questionnaire.name},   {"version", questionnaire.version},
          {"label", questionnaire.label}, {"rater", questionnaire.rater},
          {"items", std::move(items)},    {"scores", std::move(scores)}};
}

ProfileItem item_from_json(const Json& json, const std::string& where) {
  return {need_string(json, "id", where), number_or_null(json, "value", where),
          stored_text(json, "sentence", where), stored_text(json, "missing", where)};
}

ProfileScore score_from_json(const Json& json, const std::string& where) {
  ProfileScore score;
  score.name = need_string(json, "name", where);
  score.value = number_or_null(json, "value", where);
  score.band = stored_text(json, "band", where);
  score.band_label = stored_text(json, "band_label", where);
  if (find_value(json, "missing")) score.missing = need_integer(json, "missing", where);
  score.prorated = true_or_false(json, "prorated", where);
  return score;
}

ProfileQuestionnaire questionnaire_from_json(const Json& json, const std::string& where) {
  ProfileQuestionnaire questionnaire;
  questionnaire.name = need_string(json, "name", where);
  questionnaire.version = stored_text(json, "version", where);
  questionnaire.label = stored_text(json, "label", where);
  questionnaire.rater = stored_text(json, "rater", where);
  for_each_object(json, "items", where, [&](const Json& item, const std::string& place) {
    questionnaire.items.push_back(item_from_json(item, place));
  });
  for_each_object(json, "scores", where, [&](const Json& score, const std::string& place) {
    questionnaire.scores.push_back(score_from_json(score, place));
  });
  return questionnaire;
}

void read_demographics(const Json& record, const std::string& where, Profile& profile) {
  const Json* demographics = find_value(record, "demographics");
  if (!demographics) return;
  if (!demographics->is_object()) wrong_type(where, "demographics", *demographics, "an object");
  for (const auto& [field, value] : demographics->items()) {
    if (!value.is_string()) wrong_type(where, "demographics." + field, value, "a text");
    profile.demographics.emplace(field, value.get<std::string>());
  }
}

void read_risk(const Json& record, const std::string& where, Profile& profile) {
  const Json* risk = find_value(record, "risk");
  if (!risk) return;
  if (!risk->is_object()) wrong_type(where, "risk", *risk, "an object");
  profile.risk_positive = true_or_false(*risk, "positive", where + ": risk");
  const Json* items = find_value(*risk, "items");
  if (!items) return;
  if (!items->is_array()) wrong_type(where, "risk.items", *items, "a list");
  for (const auto& item : *items) {
    if (!item.is_string()) wrong_type(where, "risk.items", item, "a list of texts");
    profile.risk_items.push_back(item.get<std::string>());
  }
}

}  // namespace

Json to_json(const Profile& profile) {
  Json questionnaires = Json::array();
  for (const auto& questionnaire : profile.questionnaires)
    questionnaires.push_back(questionnaire_json(questionnaire));
  Json demographics = Json::object();
  for (const auto& [field, value] : profile.demographics) demographics[field] = value;
  Json record{{"schema", kProfileSchema},
              {"client_id", profile.client_id},
              {"occasion", profile.occasion},
              {"language", profile.language},
              {"group", profile.group},
              {"demographics", std::move(demographics)},
              {"questionnaires", std::move(questionnaires)},
              {"risk", {{"items", profile.risk_items}, {"positive", profile.risk_positive}}},
              {"notes", profile.notes}};
  for (const auto& [key, value] : profile.unknown.items()) record[key] = value;
  return record;
}

Profile profile_from_json(const Json& record, const std::string& where) {
  need_schema(record, kProfileSchema, where);
  Profile profile;
  profile.client_id = need_string(record, "client_id", where);
  if (profile.client_id.empty())
    throw FormatError(where + ": 'client_id': found an empty text, expected a pseudonym");
  profile.occasion = stored_text(record, "occasion", where);
  profile.language = stored_text(record, "language", where);
  profile.group = stored_text(record, "group", where);
  read_demographics(record, where, profile);
  for_each_object(record, "questionnaires", where, [&](const Json& json, const std::string& place) {
    profile.questionnaires.push_back(questionnaire_from_json(json, place));
  });
  read_risk(record, where, profile);
  profile.notes = stored_text(record, "notes", where);
  for (const auto& [key, value] : record.items())
    if (std::find(kKnownKeys.begin(), kKnownKeys.end(), key) == kKnownKeys.end())
      profile.unknown[key] = value;
  return profile;
}

std::vector<Profile> read_profiles(const std::filesystem::path& file) {
  std::vector<Profile> profiles;
  std::map<std::pair<std::string, std::string>, std::int64_t> line_of;
  for_each_line(file, [&](const Json& record, std::int64_t line) {
    const std::string where = format("{}:{}", file.string(), line);
    Profile profile = profile_from_json(record, where);
    const auto [earlier, is_new] =
        line_of.emplace(std::pair(profile.client_id, profile.occasion), line);
    if (!is_new)
      throw FormatError(
          format("{}: client_id and occasion: found those of line {} again, expected each once. "
                 "Remove one of the two lines.",
                 where, earlier->second));
    profiles.push_back(std::move(profile));
  });
  return profiles;
}

}  // namespace sqpsych
