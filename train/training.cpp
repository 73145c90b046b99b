#include "train/training.h"

#include <ATen/Parallel.h>

#include "core/files.h"
#include "core/log.h"
#include "train/plan.h"
#include "train/ranks.h"
#include "train/results.h"
#include "train/run_folder.h"
#include "train/trainer.h"

namespace fs = std::filesystem;

namespace sqpsych {
namespace {

TrainOutcome outcome_of(const RunFolder& folder, const TrainingSetup& setup, std::int64_t steps) {
  TrainOutcome outcome;
  outcome.steps = steps;
  outcome.result = folder.result(setup.trainable->is_adapter());
  return outcome;
}

TrainOutcome run_training(const TrainRequest& request) {
  join_ranks();
  const RunFolder folder = claim_run_folder(request);
  TrainingSetup setup = prepare_training(request);
  if (!request.restart) check_same_run(folder, setup);
  const TrainingPlan plan = plan_training(setup);
  if (!request.restart && fs::exists(folder.results())) {
    TrainOutcome outcome = outcome_of(folder, setup, plan.total_steps);
    outcome.was_finished = true;
    return outcome;
  }
  log_info(plan_text(setup, plan));
  need_room_for_training(folder.path, plan);
  FileLock lock;
  open_run_folder(folder, setup, request.restart, lock);
  Trainer trainer(setup, folder);
  const TrainingState& state = trainer.run(request.after_step);
  trainer.load_best();
  write_results(folder, setup, trainer.finish());
  TrainOutcome outcome = outcome_of(folder, setup, state.step);
  outcome.stopped_early = state.stopped_early;
  return outcome;
}

}  // namespace

TrainOutcome train(const TrainRequest& request) {
  create_private_files();
  // The call ends MKL's free choice of threads. Sample replies make it too: without it here, a run
  // would round differently before and after its first replies, and resuming would show.
  at::set_num_threads(at::get_num_threads());
  try {
    return run_training(request);
  } catch (const fs::filesystem_error& error) {
    throw ResourceError(format("train: '{}': {}. Is there space, and may you write there?",
                               error.path1().string(), error.code().message()));
  }
}

std::string check_training(const TrainRequest& request) {
  join_ranks();
  const RunFolder folder = claim_run_folder(request);
  TrainingSetup setup = prepare_training(request);
  if (!request.restart) check_same_run(folder, setup);
  const TrainingPlan plan = plan_training(setup);
  need_room_for_training(folder.path, plan);
  return plan_text(setup, plan);
}

}  // namespace sqpsych
