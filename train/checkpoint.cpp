#include "train/checkpoint.h"

#include <algorithm>
#include <charconv>

#include "core/error.h"
#include "core/files.h"
#include "core/json_lines.h"
#include "core/text.h"

namespace fs = std::filesystem;

namespace sqpsych {
namespace {

constexpr const char* kPrefix = "checkpoint-";
constexpr const char* kStateFile = "sqpsych_state.json";
constexpr const char* kOptimizerFile = "optimizer.safetensors";
constexpr const char* kSchema = "sqpsych.training_state/1";

std::optional<std::int64_t> step_of(const fs::path& folder) {
  const std::string name = folder.filename().string();
  if (!name.starts_with(kPrefix)) return std::nullopt;
  const std::string digits = name.substr(std::string(kPrefix).size());
  std::int64_t step = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), step);
  if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return step;
}

double need_number(const Json& json, const char* key, const std::string& where) {
  const Json& value = need(json, key, where);
  if (!value.is_number())
    throw FormatError(format("{}: '{}': found {}, expected a number", where, key, value.dump()));
  return value.get<double>();
}

}  // namespace

Json to_json(const TrainingState& state) {
  return {{"schema", kSchema},
          {"step", state.step},
          {"epoch", state.epoch},
          {"num_tokens", state.num_tokens},
          {"total_loss", state.total_loss},
          {"window_loss", state.window_loss},
          {"window_steps", state.window_steps},
          {"best_metric", state.best_metric ? Json(*state.best_metric) : Json(nullptr)},
          {"best_step", state.best_step},
          {"evaluations_without_gain", state.evaluations_without_gain},
          {"stopped_early", state.stopped_early},
          {"evaluation_due", state.evaluation_due},
          {"seconds", state.seconds},
          {"metrics_bytes", state.metrics_bytes},
          {"samples_bytes", state.samples_bytes}};
}

TrainingState training_state_from_json(const Json& json, const std::string& where) {
  need_schema(json, kSchema, where);
  TrainingState state;
  state.step = need_integer(json, "step", where);
  state.epoch = need_number(json, "epoch", where);
  state.num_tokens = need_integer(json, "num_tokens", where);
  state.total_loss = need_number(json, "total_loss", where);
  state.window_loss = need_number(json, "window_loss", where);
  state.window_steps = need_integer(json, "window_steps", where);
  if (!need(json, "best_metric", where).is_null())
    state.best_metric = need_number(json, "best_metric", where);
  state.best_step = need_integer(json, "best_step", where);
  state.evaluations_without_gain = need_integer(json, "evaluations_without_gain", where);
  state.stopped_early = need(json, "stopped_early", where) == Json(true);
  state.evaluation_due = need(json, "evaluation_due", where) == Json(true);
  state.seconds = need_number(json, "seconds", where);
  state.metrics_bytes = static_cast<std::uint64_t>(need_integer(json, "metrics_bytes", where));
  state.samples_bytes = static_cast<std::uint64_t>(need_integer(json, "samples_bytes", where));
  return state;
}

fs::path CheckpointFolders::folder(std::int64_t step) const {
  return run_ / (kPrefix + std::to_string(step));
}

std::vector<std::int64_t> CheckpointFolders::steps() const {
  std::vector<std::int64_t> steps;
  if (!fs::is_directory(run_)) return steps;
  for (const auto& entry : fs::directory_iterator(run_))
    if (const auto step = step_of(entry.path()); step && fs::exists(entry.path() / kStateFile))
      steps.push_back(*step);
  std::sort(steps.begin(), steps.end());
  return steps;
}

void CheckpointFolders::write(const TrainingState& state, const AdamW& optimizer,
                              const Json& trainer_state,
                              const std::function<void(const fs::path&)>& write_weights) const {
  write_folder_atomic(folder(state.step), true, [&](const fs::path& temporary) {
    write_weights(temporary);
    write_file_atomic(temporary / "trainer_state.json", trainer_state.dump(2) + "\n");
    NamedTensors tensors;
    for (const auto& [name, tensor] : optimizer.state()) tensors.emplace_back(name, tensor.cpu());
    write_safetensors(temporary / kOptimizerFile, tensors);
    write_file_atomic(temporary / kStateFile, to_json(state).dump(2) + "\n");
  });
}

TrainingState CheckpointFolders::read(std::int64_t step, AdamW& optimizer) const {
  const fs::path file = folder(step) / kStateFile;
  const TrainingState state = training_state_from_json(read_json(file), file.string());
  if (state.step != step)
    throw FormatError(
        format("checkpoint: '{}': found step {}, expected {}. Was the folder renamed?",
               file.string(), state.step, step));
  optimizer.load_state(SafetensorsFile(folder(step) / kOptimizerFile), step);
  return state;
}

void CheckpointFolders::prune(std::int64_t limit, std::int64_t keep_step) const {
  if (limit == 0) return;
  std::vector<std::int64_t> all = steps();
  const std::int64_t surplus = static_cast<std::int64_t>(all.size()) - limit;
  for (std::int64_t i = 0; i < surplus; ++i) {
    const std::int64_t step = all[static_cast<std::size_t>(i)];
    if (step == keep_step) continue;
    // The state file goes first: killed halfway, the rest is no checkpoint.
    fs::remove(folder(step) / kStateFile);
    fs::remove_all(folder(step));
  }
}

void CheckpointFolders::remove_leftovers() const {
  if (!fs::is_directory(run_)) return;
  std::vector<fs::path> leftovers;
  for (const auto& entry : fs::directory_iterator(run_)) {
    const std::string name = entry.path().filename().string();
    const bool half_written = name.starts_with(".") && name.find(".tmp-") != std::string::npos;
    const bool half_removed = step_of(entry.path()) && !fs::exists(entry.path() / kStateFile);
    if (half_written || half_removed) leftovers.push_back(entry.path());
  }
  for (const auto& path : leftovers) fs::remove_all(path);
}

}  // namespace sqpsych
