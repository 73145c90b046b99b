#pragma once

#include <string>
#include <vector>

#include "core/error.h"
#include "core/json.h"
#include "data/profiles/profile.h"

namespace sqpsych {

/// What an agent may read of a profile is a list of field names:
///   group, occasion, notes, risk, demographics, demographics.NAME, questionnaires (their names),
///   items, items.QUESTIONNAIRE, scores, scores.QUESTIONNAIRE, bands, bands.QUESTIONNAIRE.
/// A name without a dot covers all names below it.

/// True when `field` is in the list or below a name in it.
bool may_read_field(const std::vector<std::string>& may_read, const std::string& field);

/// Reports names that are no field, with the known ones.
void check_field_names(const std::vector<std::string>& may_read, const std::string& where,
                       ProblemList& problems);

/// True when `field` is a field name at all.
bool is_field_name(const std::string& field);

/// The part of a profile that the list allows: {group, occasion, notes, risk, demographics{},
/// questionnaires[], items[{questionnaire, rater, id, value, sentence}], scores[{questionnaire,
/// name, value}], bands[{questionnaire, name, band}]}. What is not allowed is not in it, so neither
/// a prompt nor a grammar can leak it.
Json visible_fields(const Profile& profile, const std::vector<std::string>& may_read);

/// The text of one field for a prompt: one value, or one line per entry. `missing` stands for what
/// the profile does not say.
std::string field_text(const Json& visible, const std::string& field, const std::string& missing);

}  // namespace sqpsych
