#include "train/config.h"

namespace sqpsych {
namespace {

void check_strategy(const std::string& kind, const std::string& strategy, std::int64_t steps,
                    ProblemList& problems) {
  if (strategy == "steps" && steps == 0)
    problems.add(format("{0}_steps: found 0, expected at least 1 with {0}_strategy 'steps'", kind));
  if (strategy != "steps" && steps > 0)
    problems.add(
        format("{0}_steps: found {1} with {0}_strategy '{2}', expected {0}_strategy 'steps'", kind,
               steps, strategy));
}

void check_target_modules(const Json& targets, ProblemList& problems) {
  bool good = targets.is_string() && !targets.get<std::string>().empty();
  if (targets.is_array()) {
    good = !targets.empty();
    for (const auto& target : targets) good = good && target.is_string() && !target.empty();
  }
  if (!good)
    problems.add(format(
        "lora_target_modules: found {}, expected 'all-linear', a regular expression, or a list of "
        "module names",
        targets.dump()));
}

}  // namespace

std::vector<std::string> training_methods() { return {"lora", "full"}; }

void TrainConfig::check(ProblemList& problems) const {
  check_strategy("eval", eval_strategy, eval_steps, problems);
  check_strategy("save", save_strategy, save_steps, problems);
  check_target_modules(lora_target_modules, problems);
  if (warmup_ratio.value_or(0) > 0 && warmup_steps.value_or(0) > 0)
    problems.add("warmup_ratio and warmup_steps: found both, expected one of them");
  if (max_steps == 0)
    problems.add("max_steps: found 0, expected -1 (num_train_epochs decides) or at least 1");
  if (max_steps < 0 && num_train_epochs <= 0)
    problems.add("num_train_epochs: found 0 and no max_steps, expected one of them above 0");
  std::int64_t rows_per_step = 0;
  if (__builtin_mul_overflow(per_device_train_batch_size, gradient_accumulation_steps,
                             &rows_per_step))
    problems.add(
        "per_device_train_batch_size, gradient_accumulation_steps: found a product above 2^63, "
        "expected a number of rows");
  if (row_plan.max_length == 1) problems.add("max_length: found 1, expected 0 or at least 2");
  if (lora_dropout >= 1) problems.add("lora_dropout: found 1, expected less than 1");
  if (adam_beta1 >= 1 || adam_beta2 >= 1)
    problems.add("adam_beta1, adam_beta2: found 1, expected less than 1");
  if (evaluates()) {
    const bool same_moments =
        eval_strategy == save_strategy &&
        (eval_strategy != "steps" || (eval_steps > 0 && save_steps % eval_steps == 0));
    if (load_best_model_at_end && !same_moments)
      problems.add(
          "load_best_model_at_end: found different moments of evaluation and saving, expected "
          "equal strategies and save_steps a multiple of eval_steps");
    return;
  }
  if (load_best_model_at_end)
    problems.add("load_best_model_at_end: found eval_strategy 'no', expected 'steps' or 'epoch'");
  if (early_stopping_patience)
    problems.add("early_stopping_patience: found eval_strategy 'no', expected 'steps' or 'epoch'");
  if (num_sample_replies > 0)
    problems.add("num_sample_replies: found eval_strategy 'no', expected 'steps' or 'epoch'");
}

std::vector<std::string> TrainConfig::settings_without_effect() const {
  std::vector<std::string> unused;
  if (lr_scheduler_type == "constant" &&
      (warmup_ratio.value_or(0) > 0 || warmup_steps.value_or(0) > 0))
    unused.push_back(
        "warm-up has no effect with lr_scheduler_type 'constant' (use 'constant_with_warmup')");
  if (method == "full" && lora_dropout > 0)
    unused.push_back("lora_dropout has no effect with method 'full'");
  if (!sample_prompts.empty() && num_sample_replies == 0)
    unused.push_back("sample_prompts has no effect while num_sample_replies is 0");
  return unused;
}

}  // namespace sqpsych
