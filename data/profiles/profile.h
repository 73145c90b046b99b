#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/json.h"

namespace sqpsych {

struct ProfileItem {
  std::string id;
  std::optional<double> value;  ///< null: not answered
  std::string sentence;         ///< empty when not answered
  std::string missing = {};     ///< why there is no value, e.g. "refused"; empty with a value
};

struct ProfileScore {
  std::string name;             ///< "total" or a sub-scale
  std::optional<double> value;  ///< null: too many missing items
  std::string band;             ///< empty when there is no value or no bands
  std::int64_t missing = 0;
  bool prorated = false;
  std::string band_label = {};  ///< the band in the profile's language
};

struct ProfileQuestionnaire {
  std::string name;
  std::string version;
  std::string rater;  ///< self | clinician
  std::vector<ProfileItem> items;
  std::vector<ProfileScore> scores;
  std::string label = {};  ///< the questionnaire's name in the profile's language
};

/// One person at one occasion (schema sqpsych.profile/1). `client_id` is a keyed pseudonym.
struct Profile {
  std::string client_id;
  std::string occasion;
  std::string language;
  std::string group;  ///< empty when the mapping declares none
  std::map<std::string, std::string> demographics;
  std::vector<ProfileQuestionnaire> questionnaires;
  std::vector<std::string> risk_items;  ///< "phq9.item9" of positive risk items
  bool risk_positive = false;
  std::string notes;
  Json unknown = Json::object();  ///< keys we do not know, kept
};

Json to_json(const Profile& profile);
/// FormatError names `where` (file:line) and the key.
Profile profile_from_json(const Json& record, const std::string& where);
/// Every profile of a `profiles.jsonl`; a second record of one (client_id, occasion) is refused.
std::vector<Profile> read_profiles(const std::filesystem::path& file);

}  // namespace sqpsych
