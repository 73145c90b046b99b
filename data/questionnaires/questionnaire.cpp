#include "data/questionnaires/questionnaire.h"

#include <algorithm>
#include <set>
#include <utility>

#include "core/error.h"
#include "core/files.h"
#include "core/json_lines.h"
#include "core/text.h"

namespace sqpsych {
namespace {

constexpr const char* kScaleFile = "scale.json";

/// Reads one file into a config struct; what is wrong is added, not thrown.
template <class Config>
bool read_into(const std::filesystem::path& file, Config& config, ProblemList& problems) {
  try {
    config =
        config_from_json<Config>(read_json(file), file.filename().string(), file.parent_path());
    return true;
  } catch (const Error& error) {
    problems.add(error.what());
    return false;
  }
}

std::vector<std::filesystem::path> wording_files(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (entry.path().extension() == ".json" && entry.path().filename() != kScaleFile)
      files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

std::vector<std::string> names_in(const std::filesystem::path& folder) {
  std::vector<std::string> names;
  if (!std::filesystem::is_directory(folder)) return names;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (std::filesystem::exists(entry.path() / kScaleFile))
      names.push_back(entry.path().filename().string());
  return names;
}

}  // namespace

std::vector<std::string> Questionnaire::item_ids() const {
  std::vector<std::string> ids;
  for (const auto& item : scale.items) ids.push_back(item.id);
  return ids;
}

const ItemRule* Questionnaire::find_item(const std::string& id) const {
  for (const auto& item : scale.items)
    if (item.id == id) return &item;
  return nullptr;
}

const ScoreRule* Questionnaire::find_score(const std::string& score) const {
  for (const auto& rule : scale.scores)
    if (rule.name == score) return &rule;
  return nullptr;
}

const OptionSet& Questionnaire::options_of(const ItemRule& item) const {
  return scale.options.at(item.options);
}

std::vector<std::string> Questionnaire::items_of(const ScoreRule& score) const {
  if (!score.items.empty()) return score.items;
  std::vector<std::string> ids;
  for (const auto& item : scale.items)
    if (item.scored) ids.push_back(item.id);
  return ids;
}

const Wording& Questionnaire::wording(const std::string& language) const {
  const auto found = wordings.find(language);
  if (found != wordings.end()) return found->second;
  std::vector<std::string> known;
  for (const auto& [name_of_language, wording] : wordings) known.push_back(name_of_language);
  throw ConfigError(
      format("questionnaire '{}': language '{}': found no {}.json, expected one of {}", name,
             language, language, quoted_list(known)));
}

Questionnaire load_questionnaire(const std::filesystem::path& folder) {
  const std::string where = "questionnaire " + folder.string();
  if (!std::filesystem::exists(folder / kScaleFile))
    throw ConfigError(where +
                      ": scale.json: found no such file, expected one. Is this the folder "
                      "of a questionnaire?");
  Questionnaire questionnaire;
  questionnaire.folder = folder;
  questionnaire.name = std::filesystem::absolute(folder).lexically_normal().filename().string();
  ProblemList problems;
  bool readable = read_into(folder / kScaleFile, questionnaire.scale, problems);
  for (const auto& file : wording_files(folder))
    readable &= read_into(file, questionnaire.wordings[file.stem().string()], problems);
  if (readable) check_questionnaire(questionnaire, problems);
  problems.throw_if_any<ConfigError>(where);
  return questionnaire;
}

std::filesystem::path find_questionnaire(const std::string& name,
                                         const std::vector<std::filesystem::path>& folders) {
  std::vector<std::filesystem::path> places = folders;
  places.push_back(configs_folder() / "questionnaires");
  std::set<std::string> known;
  for (const auto& place : places) {
    for (const auto& found : names_in(place)) known.insert(found);
    if (!name.empty() && std::filesystem::exists(place / name / kScaleFile)) return place / name;
  }
  const std::vector<std::string> list(known.begin(), known.end());
  const std::string nearest = nearest_name(name, list);
  throw ConfigError(
      format("questionnaires: '{}': found no such questionnaire, expected one of {}{}", name,
             quoted_list(list), nearest.empty() ? "" : format(". Did you mean '{}'?", nearest)));
}

}  // namespace sqpsych
