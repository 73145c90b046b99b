#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/json.h"
#include "train/optimizer.h"

namespace sqpsych {

/// Where a training stands between two optimizer steps. Weights and moments apart, this is all that
/// the next step depends on: row order and dropout are functions of (seed, step).
struct TrainingState {
  std::int64_t step = 0;
  double epoch = 0;
  std::int64_t num_tokens = 0;
  double total_loss = 0;   ///< sum of the steps' losses
  double window_loss = 0;  ///< the same since the last log line
  std::int64_t window_steps = 0;
  std::optional<double> best_metric;
  std::int64_t best_step = 0;
  std::int64_t evaluations_without_gain = 0;
  bool stopped_early = false;
  bool evaluation_due = false;      ///< interrupted between the step and its evaluation
  double seconds = 0;               ///< wall clock of all processes so far
  std::uint64_t metrics_bytes = 0;  ///< length of metrics.jsonl
  std::uint64_t samples_bytes = 0;  ///< length of samples.jsonl
};

Json to_json(const TrainingState& state);
TrainingState training_state_from_json(const Json& json, const std::string& where);

/// `checkpoint-N` folders of a run:
///   adapter or model files, tokenizer files   what PEFT or transformers load
///   trainer_state.json                         the HF Trainer's keys, log_history included
///   optimizer.safetensors                      AdamW::state()
///   sqpsych_state.json                         TrainingState; its presence says "complete"
class CheckpointFolders {
 public:
  explicit CheckpointFolders(std::filesystem::path run) : run_(std::move(run)) {}

  std::filesystem::path folder(std::int64_t step) const;
  /// Steps of the complete checkpoints, ascending.
  std::vector<std::int64_t> steps() const;
  /// Writes the folder whole or not at all; `write_weights` fills in everything but our own state.
  void write(const TrainingState& state, const AdamW& optimizer, const Json& trainer_state,
             const std::function<void(const std::filesystem::path&)>& write_weights) const;
  TrainingState read(std::int64_t step, AdamW& optimizer) const;
  /// Keeps the newest `limit` (0: all) and `keep_step`.
  void prune(std::int64_t limit, std::int64_t keep_step) const;
  /// Removes what a killed process left half-written or half-removed.
  void remove_leftovers() const;

 private:
  std::filesystem::path run_;
};

}  // namespace sqpsych
