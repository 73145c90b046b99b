#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "train/batches.h"
#include "train/checkpoint.h"
#include "train/optimizer.h"
#include "train/run_folder.h"
#include "train/run_log.h"
#include "train/schedule.h"
#include "train/setup.h"
#include "train/tensorboard.h"

namespace sqpsych {

/// What one optimizer step measured.
struct StepResult {
  double loss = 0;
  double grad_norm = 0;
  double learning_rate = 0;
  std::int64_t tokens = 0;
};

/// Forward and backward of one optimizer step: leaves the gradient of the mean over all supervised
/// units of `rows` in the optimizer. Nothing when interrupted between packs. A loss that is not
/// finite is an Error with the step and the rows.
std::optional<StepResult> compute_gradient(const TrainingSetup& setup, AdamW& optimizer,
                                           const StepRows& rows, std::int64_t step);

/// The loop over optimizer steps, with its log, evaluations and checkpoints.
class Trainer {
 public:
  Trainer(TrainingSetup& setup, const RunFolder& folder);
  /// From the newest complete checkpoint, or the start, to the end. Throws Interrupted after saving
  /// a checkpoint when a signal came.
  const TrainingState& run(const std::function<void(std::int64_t)>& after_step);
  /// Puts the best checkpoint's weights in place when the config asks for it.
  void load_best();
  /// The last line of metrics.jsonl; also the content of train_results.json.
  Json finish();

 private:
  void resume();
  void one_step(const StepRows& rows);
  void after_optimizer_step(const StepRows& rows, const StepResult& result);
  /// Evaluates and saves where this step asks for it.
  void close_step(const StepRows& rows);
  [[noreturn]] void stop();
  void log_step(const StepResult& result);
  void evaluate();
  void judge(double metric);
  void save();
  void log(Json record);
  Json trainer_state() const;
  double seconds_so_far() const;
  bool is_last_step() const { return state_.step >= order_.total_steps(); }

  TrainingSetup& setup_;
  RunFolder folder_;
  StepOrder order_;
  Schedule schedule_;
  AdamW optimizer_;
  CheckpointFolders checkpoints_;
  TrainingState state_;
  std::optional<RunLog> metrics_;
  std::optional<RunLog> samples_;
  std::optional<TensorboardWriter> tensorboard_;
  double seconds_before_ = 0;  ///< of earlier processes
  double started_ = 0;
  double window_started_ = 0;
  std::int64_t window_tokens_ = 0;
  std::int64_t saved_step_ = 0;
  std::string note_;  ///< behind the progress bar
};

}  // namespace sqpsych
