#include "train/trainer.h"

#include <chrono>
#include <cmath>

#include "core/interrupt.h"
#include "core/log.h"
#include "core/progress.h"
#include "train/evaluation.h"
#include "train/sample_replies.h"

namespace fs = std::filesystem;

namespace sqpsych {
namespace {

double steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

AdamWSettings adamw_settings(const TrainConfig& config) {
  return {config.adam_beta1, config.adam_beta2, config.adam_epsilon, config.weight_decay};
}

bool is_due(const std::string& strategy, std::int64_t every, std::int64_t step, bool ends_epoch) {
  if (strategy == "steps") return step % every == 0;
  return strategy == "epoch" && ends_epoch;
}

/// The HF Trainer's TensorBoard tags: eval_loss -> eval/loss, loss -> train/loss.
std::string tensorboard_tag(const std::string& key) {
  return key.starts_with("eval_") ? "eval/" + key.substr(5) : "train/" + key;
}

}  // namespace

Trainer::Trainer(TrainingSetup& setup, const RunFolder& folder)
    : setup_(setup),
      folder_(folder),
      order_(setup.config, static_cast<std::int64_t>(setup.train.rows.size())),
      schedule_(setup.config, order_.total_steps()),
      optimizer_(setup.trainable->parameters(), adamw_settings(setup.config)),
      checkpoints_(folder.path) {}

const TrainingState& Trainer::run(const std::function<void(std::int64_t)>& after_step) {
  resume();
  Progress progress("training", order_.total_steps() - state_.step, "steps");
  if (state_.evaluation_due) close_step(order_.rows_of(state_.step - 1));
  if (state_.step == 0 && setup_.config.evaluates() && setup_.config.eval_on_start) evaluate();
  while (!is_last_step() && !state_.stopped_early) {
    one_step(order_.rows_of(state_.step));
    progress.advance(1, note_);
    if (after_step) after_step(state_.step);
  }
  if (saved_step_ != state_.step) save();
  return state_;
}

void Trainer::resume() {
  checkpoints_.remove_leftovers();
  const auto steps = checkpoints_.steps();
  if (!steps.empty()) {
    const std::int64_t newest = steps.back();
    setup_.trainable->read(checkpoints_.folder(newest));
    state_ = checkpoints_.read(newest, optimizer_);
    saved_step_ = newest;
    log_info(format("train: going on from {}", checkpoints_.folder(newest).string()));
  }
  metrics_.emplace(folder_.metrics(), state_.metrics_bytes);
  samples_.emplace(folder_.samples(), state_.samples_bytes);
  tensorboard_.emplace(folder_.tensorboard(), state_.step == 0 ? 0 : state_.step + 1);
  seconds_before_ = state_.seconds;
  started_ = window_started_ = steady_seconds();
}

void Trainer::one_step(const StepRows& rows) {
  std::optional<StepResult> result;
  if (!interrupt_requested()) result = compute_gradient(setup_, optimizer_, rows, state_.step);
  if (!result) stop();
  result->grad_norm = optimizer_.clip(setup_.config.max_grad_norm);
  if (!std::isfinite(result->grad_norm))
    throw Error(
        format("train: step {}: found a gradient norm of {}, expected a finite number. Lower "
               "learning_rate or look at the rows of this step.",
               state_.step + 1, result->grad_norm));
  result->learning_rate = schedule_.learning_rate(state_.step);
  optimizer_.step(result->learning_rate);
  after_optimizer_step(rows, *result);
}

void Trainer::stop() {
  optimizer_.clear_gradients();
  if (saved_step_ != state_.step) save();
  throw Interrupted(format("train: interrupted behind step {} of {}; {}. The same command goes on.",
                           state_.step, order_.total_steps(),
                           state_.step > 0 ? "a checkpoint is saved" : "nothing was trained yet"));
}

void Trainer::after_optimizer_step(const StepRows& rows, const StepResult& result) {
  const TrainConfig& config = setup_.config;
  ++state_.step;
  state_.epoch = rows.epoch_after;
  state_.num_tokens += result.tokens;
  state_.total_loss += result.loss;
  state_.window_loss += result.loss;
  ++state_.window_steps;
  window_tokens_ += result.tokens;

  if (state_.step % config.logging_steps == 0 || is_last_step()) log_step(result);
  close_step(rows);
}

void Trainer::close_step(const StepRows& rows) {
  const TrainConfig& config = setup_.config;
  if (is_due(config.eval_strategy, config.eval_steps, state_.step, rows.ends_epoch) ||
      (config.evaluates() && is_last_step()))
    evaluate();
  const bool is_best = config.load_best_model_at_end && state_.best_step == state_.step;
  if (is_due(config.save_strategy, config.save_steps, state_.step, rows.ends_epoch) || is_best ||
      is_last_step() || state_.stopped_early)
    save();
}

void Trainer::log_step(const StepResult& result) {
  const double now = steady_seconds();
  const double rate = static_cast<double>(window_tokens_) / std::max(1e-9, now - window_started_);
  const double loss = state_.window_loss / static_cast<double>(state_.window_steps);
  log({{"loss", loss},
       {"grad_norm", result.grad_norm},
       {"learning_rate", result.learning_rate},
       {"epoch", state_.epoch},
       {"num_tokens", state_.num_tokens},
       {"step", state_.step},
       {"tokens_per_second", rate}});
  note_ = format("loss {:.4f}, {} tokens/s", loss, with_thousands(std::llround(rate)));
  state_.window_loss = 0;
  state_.window_steps = 0;
  window_tokens_ = 0;
  window_started_ = now;
}

void Trainer::evaluate() {
  const double begin = steady_seconds();
  state_.evaluation_due = true;
  const auto evaluation = evaluate_split(setup_, setup_.validation);
  if (!evaluation) stop();
  const std::vector<Json> samples = sample_replies(setup_, state_.step);
  if (interrupt_requested()) stop();  // a reply may have been cut short
  state_.evaluation_due = false;
  const double rows = static_cast<double>(setup_.validation.rows.size());
  log({{"eval_loss", evaluation->loss},
       {"epoch", state_.epoch},
       {"step", state_.step},
       {"eval_runtime", evaluation->seconds},
       {"eval_samples_per_second", rows / std::max(1e-9, evaluation->seconds)}});
  log_info(format("train: step {}: validation loss {:.4f}", state_.step, evaluation->loss));
  for (const Json& record : samples) samples_->append(record);
  judge(evaluation->loss);
  window_started_ += steady_seconds() - begin;
}

void Trainer::judge(double metric) {
  const TrainConfig& config = setup_.config;
  const bool is_better = !state_.best_metric || metric < *state_.best_metric;
  const bool is_clearly_better =
      !state_.best_metric ||
      (is_better && *state_.best_metric - metric > config.early_stopping_threshold);
  if (state_.step == 0) return;  // the base model is no candidate
  state_.evaluations_without_gain = is_clearly_better ? 0 : state_.evaluations_without_gain + 1;
  if (is_better) {
    state_.best_metric = metric;
    state_.best_step = state_.step;
  }
  if (!config.early_stopping_patience ||
      state_.evaluations_without_gain < *config.early_stopping_patience)
    return;
  state_.stopped_early = true;
  log_info(format("train: step {}: stopped early, best validation loss {:.4f} at step {}",
                  state_.step, *state_.best_metric, state_.best_step));
}

void Trainer::save() {
  if (state_.step == 0) return;
  state_.seconds = seconds_so_far();
  state_.metrics_bytes = metrics_->size_bytes();
  state_.samples_bytes = samples_->size_bytes();
  checkpoints_.write(state_, optimizer_, trainer_state(), [this](const fs::path& folder) {
    setup_.trainable->write(folder);
    write_companions(*setup_.model, folder, setup_.chat_template.get());
  });
  saved_step_ = state_.step;
  checkpoints_.prune(setup_.config.save_total_limit,
                     setup_.config.load_best_model_at_end ? state_.best_step : 0);
}

void Trainer::log(Json record) {
  metrics_->append(record);
  for (const auto& [key, value] : record.items())
    if (key != "step" && value.is_number())
      tensorboard_->add_scalar(tensorboard_tag(key), value.get<double>(), state_.step);
}

Json Trainer::trainer_state() const {
  const bool has_best = state_.best_metric.has_value();
  const fs::path best = checkpoints_.folder(state_.best_step);
  const bool is_kept = has_best && (state_.best_step == state_.step || fs::exists(best));
  return {{"best_global_step", has_best ? Json(state_.best_step) : Json(nullptr)},
          {"best_metric", has_best ? Json(*state_.best_metric) : Json(nullptr)},
          {"best_model_checkpoint", is_kept ? Json(best.filename().string()) : Json(nullptr)},
          {"epoch", state_.epoch},
          {"eval_steps", setup_.config.eval_steps},
          {"global_step", state_.step},
          {"is_local_process_zero", true},
          {"is_world_process_zero", true},
          {"log_history", Json(metrics_->records())},
          {"logging_steps", setup_.config.logging_steps},
          {"max_steps", order_.total_steps()},
          {"num_input_tokens_seen", state_.num_tokens},
          {"num_train_epochs", setup_.config.num_train_epochs},
          {"save_steps", setup_.config.save_steps},
          {"train_batch_size", setup_.config.per_device_train_batch_size}};
}

void Trainer::load_best() {
  if (!setup_.config.load_best_model_at_end || !state_.best_metric ||
      state_.best_step == state_.step)
    return;
  setup_.trainable->read(checkpoints_.folder(state_.best_step));
  log_info(format("train: the result is checkpoint-{} with validation loss {:.4f}",
                  state_.best_step, *state_.best_metric));
}

Json Trainer::finish() {
  const double seconds = seconds_so_far();
  const double steps = static_cast<double>(state_.step);
  const double rows = state_.epoch * static_cast<double>(setup_.train.rows.size());
  const Json record = {{"train_loss", state_.total_loss / std::max(1.0, steps)},
                       {"epoch", state_.epoch},
                       {"num_tokens", state_.num_tokens},
                       {"step", state_.step},
                       {"train_runtime", seconds},
                       {"train_samples_per_second", rows / std::max(1e-9, seconds)},
                       {"train_steps_per_second", steps / std::max(1e-9, seconds)}};
  log(record);
  return record;
}

double Trainer::seconds_so_far() const { return seconds_before_ + steady_seconds() - started_; }

}  // namespace sqpsych
