#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/fields.h"
#include "data/packing/row_plan.h"
#include "models/model.h"
#include "models/sampling_options.h"

namespace sqpsych {

/// Settings of `sqpsych train`. Names and meanings are those of transformers' TrainingArguments,
/// TRL's SFTConfig and PEFT's LoraConfig wherever one exists.
struct TrainConfig {
  std::string method = "lora";
  std::string objective = "sft";

  double num_train_epochs = 3;
  std::int64_t max_steps = -1;
  std::int64_t per_device_train_batch_size = 8;
  std::int64_t gradient_accumulation_steps = 1;
  std::int64_t per_device_eval_batch_size = 8;

  double learning_rate = 2e-4;
  std::string lr_scheduler_type = "linear";
  std::optional<double> warmup_ratio;
  std::optional<std::int64_t> warmup_steps;
  double weight_decay = 0;
  double adam_beta1 = 0.9;
  double adam_beta2 = 0.999;
  double adam_epsilon = 1e-8;
  double max_grad_norm = 1;

  std::int64_t lora_r = 16;
  double lora_alpha = 32;
  double lora_dropout = 0;
  Json lora_target_modules = "all-linear";
  bool use_rslora = false;

  RowPlanOptions row_plan;  ///< max_length 0: the model's context length
  bool packing = true;

  std::int64_t logging_steps = 10;
  std::string eval_strategy = "epoch";
  std::int64_t eval_steps = 0;
  bool eval_on_start = true;
  std::string save_strategy = "epoch";
  std::int64_t save_steps = 0;
  std::int64_t save_total_limit = 2;

  std::string metric_for_best_model = "eval_loss";
  bool load_best_model_at_end = false;
  std::optional<std::int64_t> early_stopping_patience;
  double early_stopping_threshold = 0;

  ConfigPath sample_prompts;
  std::int64_t num_sample_replies = 0;
  SamplingOptions sampling;

  std::int64_t seed = 42;
  ModelOptions model;

  template <class Visitor>
  void fields(Visitor& visit);

  /// Rules across fields.
  void check(ProblemList& problems) const;
  /// Settings that are set but change nothing, one sentence each.
  std::vector<std::string> settings_without_effect() const;

  bool evaluates() const { return eval_strategy != "no"; }
};

/// Names of what the doors and lists of train/ know, for the fields' rules.
std::vector<std::string> training_methods();
std::vector<std::string> objective_names();
std::vector<std::string> lr_scheduler_names();

template <class Visitor>
void TrainConfig::fields(Visitor& visit) {
  visit("method", method, "lora: train low-rank factors; full: train every weight",
        one_of(training_methods()));
  visit("objective", objective, "what is minimised", one_of(objective_names()));
  visit("num_train_epochs", num_train_epochs, "passes over the training rows", between(0, 1e6));
  visit("max_steps", max_steps, "optimizer steps; overrides num_train_epochs when positive",
        at_least(-1));
  visit("per_device_train_batch_size", per_device_train_batch_size, "rows per micro-step",
        at_least(1));
  visit("gradient_accumulation_steps", gradient_accumulation_steps,
        "micro-steps per optimizer step", at_least(1));
  visit("per_device_eval_batch_size", per_device_eval_batch_size,
        "validation rows per forward pass when packing is off", at_least(1));
  visit("learning_rate", learning_rate, "peak learning rate", at_least(0));
  visit("lr_scheduler_type", lr_scheduler_type, "course of the learning rate",
        one_of(lr_scheduler_names()));
  visit("warmup_ratio", warmup_ratio, "share of all steps used to warm up", between(0, 1));
  visit("warmup_steps", warmup_steps, "steps used to warm up", at_least(0));
  visit("weight_decay", weight_decay, "decoupled decay; never on norms and biases", at_least(0));
  visit("adam_beta1", adam_beta1, "decay of the first moment", between(0, 1));
  visit("adam_beta2", adam_beta2, "decay of the second moment", between(0, 1));
  visit("adam_epsilon", adam_epsilon, "added to the root of the second moment", at_least(0));
  visit("max_grad_norm", max_grad_norm, "clips the global gradient norm; 0: off", at_least(0));
  visit("lora_r", lora_r, "rank of the update", at_least(1));
  visit("lora_alpha", lora_alpha, "the update is scaled by lora_alpha / lora_r", at_least(0));
  visit("lora_dropout", lora_dropout, "dropout on the input of A", between(0, 1));
  visit("lora_target_modules", lora_target_modules,
        "all-linear (every linear layer but the head), a regular expression for the whole module "
        "path, or a list of path endings such as q_proj");
  visit("use_rslora", use_rslora, "scale by lora_alpha / sqrt(lora_r) instead");
  row_plan.fields(visit);
  visit("packing", packing,
        "lay the rows of a step end to end up to max_length; changes no number");
  visit("logging_steps", logging_steps, "optimizer steps per line of metrics.jsonl", at_least(1));
  visit("eval_strategy", eval_strategy, "when the validation loss is measured",
        one_of({"no", "steps", "epoch"}));
  visit("eval_steps", eval_steps, "with eval_strategy steps", at_least(0));
  visit("eval_on_start", eval_on_start, "measure the validation loss before the first step too");
  visit("save_strategy", save_strategy,
        "when checkpoints are written (always after the last step, and with load_best_model_at_end "
        "after every best evaluation)",
        one_of({"no", "steps", "epoch"}));
  visit("save_steps", save_steps, "with save_strategy steps", at_least(0));
  visit("save_total_limit", save_total_limit,
        "checkpoints kept: the newest ones, and the best one; 0: all", at_least(0));
  visit("metric_for_best_model", metric_for_best_model, "smaller is better", one_of({"eval_loss"}));
  visit("load_best_model_at_end", load_best_model_at_end,
        "the result is the checkpoint with the best metric, not the last one");
  visit("early_stopping_patience", early_stopping_patience,
        "stop after so many evaluations without a better metric", at_least(1));
  visit("early_stopping_threshold", early_stopping_threshold,
        "smallest change that counts as better", at_least(0));
  visit("sample_prompts", sample_prompts,
        "JSON Lines of chat rows to answer at every evaluation; default: validation rows");
  visit("num_sample_replies", num_sample_replies,
        "replies written to samples.jsonl at every evaluation", at_least(0));
  visit("sampling", sampling, "how sample replies are drawn");
  visit("seed", seed, "of adapter weights, row order, dropout and samples", at_least(0));
  model.fields(visit);
}

}  // namespace sqpsych
