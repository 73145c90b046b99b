#include "data/datasets/dataset_config.h"

#include <algorithm>

#include "core/text.h"
#include "data/datasets/importers/importer.h"

namespace sqpsych {

void SplitConfig::check(ProblemList& problems) const {
  if (validation + test >= 1)
    problems.add(format("validation + test: found {}, expected less than 1", validation + test));
  if (by == "column" && column.empty())
    problems.add(format("column: found '{}', expected a field of the source", column));
  for (const auto& client : test_clients)
    if (std::find(validation_clients.begin(), validation_clients.end(), client) !=
        validation_clients.end())
      problems.add(
          format("test_clients: found '{}' in validation_clients too, expected one split", client));
}

void SystemConfig::check(ProblemList& problems) const {
  if (!text.empty() && !file.empty())
    problems.add(
        format("text: found a text and the file '{}', expected one of them", file.path.string()));
}

void DatasetConfig::check(ProblemList& problems) const {
  auto names = importer_names();
  names.insert(names.begin(), "auto");
  if (std::find(names.begin(), names.end(), format) == names.end())
    problems.add(
        sqpsych::format("format: found '{}', expected one of {}", format, quoted_list(names)));
  if (opening == "user" && trim(opening_text).empty())
    problems.add(sqpsych::format(
        "opening_text: found '{}', expected what the user says. Or set opening", opening_text));
}

}  // namespace sqpsych
