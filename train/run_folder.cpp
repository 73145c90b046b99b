#include "train/run_folder.h"

#include <set>

#include "core/error.h"
#include "core/files.h"
#include "core/json_lines.h"
#include "core/text.h"

namespace fs = std::filesystem;

namespace sqpsych {
namespace {

/// Told from other commands' folders, which have a config.json and inputs.json too, by its lock.
bool is_run_folder(const RunFolder& folder) { return fs::exists(folder.lock()); }

std::string shown(const Json& value) {
  const std::string text = value.is_null() ? "nothing" : value.dump();
  // Hashes say enough with their first digits.
  return text.size() == 66 ? text.substr(1, 12) : text;
}

/// One problem per leaf that differs; `kind` says what it is a part of.
void compare(const Json& before, const Json& now, const std::string& kind, ProblemList& problems) {
  const Json flat_before = before.flatten();
  const Json flat_now = now.flatten();
  std::set<std::string> keys;
  for (const Json* flat : {&flat_before, &flat_now})
    for (const auto& [key, value] : flat->items()) keys.insert(key);
  for (const auto& key : keys) {
    const Json old_value = flat_before.value(key, Json(nullptr));
    const Json new_value = flat_now.value(key, Json(nullptr));
    if (old_value == new_value) continue;
    problems.add(format("{} '{}': found {}, expected {} as when this run began", kind,
                        replace_all(key.substr(1), "/", "."), shown(new_value), shown(old_value)));
  }
}

}  // namespace

RunFolder claim_run_folder(const TrainRequest& request) {
  const fs::path& output = request.output;
  if (output.empty())
    throw ConfigError("train: --output: found nothing, expected a folder for the run.");
  const RunFolder folder{output};
  const bool is_free = !fs::exists(output) || (fs::is_directory(output) && fs::is_empty(output));
  if (!is_free && !is_run_folder(folder))
    throw ConfigError(
        format("train: --output: found '{}', which exists and is no training run. Choose another "
               "folder.",
               output.string()));
  refuse_output_holding(output, {request.model, request.data, request.config.sample_prompts.path},
                        "train");
  return folder;
}

void check_same_run(const RunFolder& folder, const TrainingSetup& setup) {
  if (!is_run_folder(folder)) return;
  ProblemList problems;
  compare(read_json(folder.config()), config_to_json(setup.config), "setting", problems);
  const Json before = read_json(folder.inputs());
  compare(before.value("data", Json::object()), setup.inputs["data"], "data file", problems);
  compare(before.value("model", Json::object()), setup.inputs["model"], "model file", problems);
  if (problems.empty()) return;
  problems.add("start over with --restart, or choose another --output");
  problems.throw_if_any<ConfigError>(format("train: '{}'", folder.path.string()));
}

void open_run_folder(const RunFolder& folder, const TrainingSetup& setup, bool restart,
                     FileLock& lock) {
  const bool is_run = is_run_folder(folder);
  if (is_run) lock.hold(folder.lock());
  if (is_run && !restart) return;
  write_folder_atomic(folder.path, true, [&](const fs::path& temporary) {
    const Json config = config_to_json(setup.config);
    write_file_atomic(temporary / folder.config().filename(), config.dump(2) + "\n");
    write_file_atomic(temporary / folder.inputs().filename(), setup.inputs.dump(2) + "\n");
    write_file_atomic(temporary / folder.lock().filename(), "");
  });
  lock.hold(folder.lock());
}

}  // namespace sqpsych
