#include "train/objectives/objective.h"

#include "core/error.h"
#include "core/text.h"
#include "train/config.h"

namespace sqpsych {

const Objective& sft_objective();

std::vector<const Objective*> objectives() { return {&sft_objective()}; }

std::vector<std::string> objective_names() {
  std::vector<std::string> names;
  for (const Objective* objective : objectives()) names.push_back(objective->name());
  return names;
}

const Objective& objective_by_name(const std::string& name) {
  for (const Objective* objective : objectives())
    if (objective->name() == name) return *objective;
  throw ConfigError(format("train: objective: found '{}', expected one of {}.", name,
                           quoted_list(objective_names())));
}

}  // namespace sqpsych
