#include "train/plan.h"

#include <algorithm>

#include "core/free_space.h"
#include "core/text.h"
#include "models/model_account.h"

namespace sqpsych {
namespace {

constexpr std::uint64_t kStateBytes = 4;

/// Weights, both moments, and the fp32 masters of 16-bit weights.
std::uint64_t count_checkpoint_bytes(const Trainable& trainable) {
  std::uint64_t sum = 0;
  for (const auto& parameter : trainable.parameters()) {
    const bool has_master = parameter.weight.scalar_type() != at::kFloat;
    const auto count = static_cast<std::uint64_t>(parameter.weight.numel());
    sum += parameter.weight.nbytes() + count * kStateBytes * (has_master ? 3 : 2);
  }
  return sum;
}

std::string indented(const std::string& text) {
  std::string result;
  for (const auto& line : split(text, "\n"))
    if (!line.empty()) result += "  " + line + "\n";
  return result;
}

}  // namespace

TrainingPlan plan_training(const TrainingSetup& setup) {
  const StepOrder order(setup.config, static_cast<std::int64_t>(setup.train.rows.size()));
  TrainingPlan plan;
  plan.steps_per_epoch = order.steps_per_epoch();
  plan.total_steps = order.total_steps();
  plan.trainable_parameters = setup.trainable->parameter_count();
  for (std::int64_t step = 0; step < plan.steps_per_epoch; ++step) {
    const StepRows rows = order.rows_of(step);
    const auto packs = lay_out(setup.train.rows, rows.rows,
                               setup.layout(setup.config.per_device_train_batch_size));
    plan.packs_first_epoch += static_cast<std::int64_t>(packs.size());
    for (const auto& pack : packs) {
      std::int64_t tokens = 0;
      for (const std::size_t row : pack)
        tokens += static_cast<std::int64_t>(setup.train.rows[row].ids.size());
      plan.tokens_per_epoch += tokens;
      plan.longest_pack = std::max(plan.longest_pack, tokens);
    }
  }
  plan.all_parameters = parameter_count(setup.model->decoder->features());
  plan.memory = plan_memory(*setup.model, *setup.trainable, plan.longest_pack);
  plan.checkpoint_bytes = count_checkpoint_bytes(*setup.trainable);
  return plan;
}

void need_room_for_training(const std::filesystem::path& run, const TrainingPlan& plan) {
  // The result has no moments, so it is never larger than a checkpoint.
  need_free_space(run, 2 * plan.checkpoint_bytes, "train");
}

std::string plan_text(const TrainingSetup& setup, const TrainingPlan& plan) {
  const TrainConfig& config = setup.config;
  std::string text = "train:\n" + indented(setup.train.report.text());
  if (!setup.validation.rows.empty())
    text += "validation:\n" + indented(setup.validation.report.text());
  text += format(
      "steps: {} ({} per epoch), each {} rows ({} x {} accumulated); {} packs per epoch of at most "
      "{} tokens{}\n",
      with_thousands(plan.total_steps), with_thousands(plan.steps_per_epoch),
      config.per_device_train_batch_size * config.gradient_accumulation_steps,
      config.per_device_train_batch_size, config.gradient_accumulation_steps,
      with_thousands(plan.packs_first_epoch), with_thousands(plan.longest_pack),
      config.packing ? "" : " (packing off)");
  text += format("method: {}, {} of {} parameters trained ({:.2f} %)\n", config.method,
                 with_thousands(plan.trainable_parameters), with_thousands(plan.all_parameters),
                 100.0 * static_cast<double>(plan.trainable_parameters) /
                     static_cast<double>(plan.all_parameters));
  const MemoryPlan& memory = plan.memory;
  text += format(
      "memory: about {} at most (weights {}, gradients and optimizer {}, activations {}, buffers "
      "{}",
      bytes_text(memory.total_bytes()), bytes_text(memory.weight_bytes),
      bytes_text(memory.state_bytes), bytes_text(memory.activation_bytes),
      bytes_text(memory.passing_bytes));
  if (memory.program_bytes > 0)
    text += format(", program and rows {}", bytes_text(memory.program_bytes));
  text += ")\n";
  text += format("disk: {} for every checkpoint\n", bytes_text(plan.checkpoint_bytes));
  text += format("chat template: {}; device {}, {}\n",
                 setup.chat_template ? setup.chat_template->name() : "not used (raw text rows)",
                 setup.model->decoder->device().str(),
                 setup.model->decoder->dtype() == at::kBFloat16 ? "bfloat16" : "float32");
  return text;
}

}  // namespace sqpsych
