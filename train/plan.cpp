#include "train/plan.h"

#include <c10/core/ScalarType.h>

#include <algorithm>

#include "core/free_space.h"
#include "core/text.h"

namespace sqpsych {
namespace {

constexpr std::int64_t kLogitRows = 1024;  ///< head and loss work on about so many tokens at a time
constexpr std::uint64_t kFp32Bytes = 4;
constexpr std::uint64_t kMomentBytes = 2 * kFp32Bytes;

std::uint64_t unsigned_of(std::int64_t value) { return static_cast<std::uint64_t>(value); }

/// Elements per token and layer that the backward pass needs: inputs of both norms and of all
/// projections, queries, keys and values before and after rotation, and the gated products.
std::int64_t saved_elements_per_token(const DecoderFeatures& f) {
  const std::int64_t heads = (f.num_heads + 2 * f.num_kv_heads) * f.head_dim;
  const std::int64_t gated =
      f.experts.count > 0 ? f.experts.per_token * f.experts.intermediate_size : f.intermediate_size;
  const std::int64_t norms = f.post_norms ? 6 : 4;
  return f.num_layers * (norms * f.hidden_size + 2 * heads + f.num_heads * f.head_dim + 4 * gated);
}

void estimate_memory(const TrainingSetup& setup, TrainingPlan& plan) {
  const Decoder& decoder = *setup.model->decoder;
  const DecoderFeatures& features = decoder.features();
  const std::uint64_t element_bytes = c10::elementSize(decoder.dtype());
  for (const auto& [name, shape] : parameter_shapes(features)) {
    std::int64_t count = 1;
    for (const std::int64_t size : shape) count *= size;
    plan.all_parameters += count;
  }
  plan.weight_bytes = unsigned_of(plan.all_parameters) * element_bytes;
  for (const auto& parameter : setup.trainable->parameters()) {
    const std::uint64_t count = unsigned_of(parameter.weight.numel());
    const bool has_master = parameter.weight.scalar_type() != at::kFloat;
    plan.training_state_bytes += count * (kMomentBytes + kFp32Bytes);
    if (has_master) plan.training_state_bytes += count * (kFp32Bytes + element_bytes);
    plan.checkpoint_bytes += parameter.weight.nbytes() + count * kMomentBytes;
    if (has_master) plan.checkpoint_bytes += count * kFp32Bytes;
    if (setup.trainable->is_adapter()) plan.weight_bytes += count * kFp32Bytes;
  }
  const std::uint64_t tokens = unsigned_of(plan.longest_pack);
  const std::uint64_t logit_rows = unsigned_of(std::min(plan.longest_pack, kLogitRows));
  plan.activation_bytes = tokens * unsigned_of(saved_elements_per_token(features)) * element_bytes +
                          2 * logit_rows * unsigned_of(features.vocabulary_size) * kFp32Bytes;
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
  estimate_memory(setup, plan);
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
  text += format("memory: about {} (weights {}, gradients and optimizer {}, activations {})\n",
                 bytes_text(plan.total_bytes()), bytes_text(plan.weight_bytes),
                 bytes_text(plan.training_state_bytes), bytes_text(plan.activation_bytes));
  text += format("disk: {} for every checkpoint\n", bytes_text(plan.checkpoint_bytes));
  text += format("chat template: {}; device {}, {}\n",
                 setup.chat_template ? setup.chat_template->name() : "not used (raw text rows)",
                 setup.model->decoder->device().str(),
                 setup.model->decoder->dtype() == at::kBFloat16 ? "bfloat16" : "float32");
  return text;
}

}  // namespace sqpsych
