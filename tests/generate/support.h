#pragma once

#include <filesystem>
#include <string>

#include "core/json_lines.h"
#include "core/text.h"
#include "data/profiles/profile.h"
#include "generate/runner.h"
#include "tests/support/source_path.h"
#include "tests/support/temporary_folder.h"

namespace sqpsych::testing {

/// An invented person with answers from `level` 0 (nothing) to 3 (nearly every day).
inline Profile example_profile(int number, int level) {
  Profile profile;
  profile.client_id = format("client{:03}", number);
  profile.occasion = "baseline";
  profile.language = "en";
  profile.group = level >= 2 ? "elevated" : "control";
  profile.demographics = {{"age", std::to_string(20 + number % 50)}, {"occupation", "baker"}};
  ProfileQuestionnaire scale;
  scale.name = "phq9";
  scale.version = "1";
  scale.rater = "self";
  const char* sentences[] = {"Nearly every day I had trouble falling or staying asleep.",
                             "On several days I felt down, depressed or hopeless.",
                             "On more than half the days I felt tired or had little energy.",
                             "On several days I worried too much about different things."};
  for (int i = 0; i < 4; ++i) {
    ProfileItem item;
    item.id = format("item{}", i + 1);
    item.value = (level + i * number) % 4;
    item.sentence = sentences[i];
    scale.items.push_back(item);
  }
  ProfileScore total;
  total.name = "total";
  total.value = 4 * level;
  total.band = level >= 2 ? "moderate" : "minimal";
  scale.scores.push_back(total);
  profile.questionnaires.push_back(scale);
  return profile;
}

inline std::string profile_lines(int count) {
  std::string lines;
  for (int i = 0; i < count; ++i) lines += to_line(to_json(example_profile(i, i % 4))) + "\n";
  return lines;
}

inline std::filesystem::path configs() { return testing::source_path("configs"); }

/// A shipped protocol with changes.
struct LoadedConfig {
  GenerateConfig config;
  ConfigOrigin origin;
};
inline LoadedConfig load_protocol(const std::string& name,
                                  const std::vector<std::string>& sets = {}) {
  const auto file = configs() / "generate" / name;
  return {load_config<GenerateConfig>(file, sets), {file.string(), file.parent_path()}};
}

}  // namespace sqpsych::testing
