#include <cmath>

#include "core/interrupt.h"
#include "train/trainer.h"

namespace sqpsych {
namespace {

[[noreturn]] void report_loss(const TrainingSetup& setup, const Pack& pack, std::int64_t step,
                              double loss) {
  std::vector<std::string> ids;
  for (const std::size_t row : pack.rows) ids.push_back(setup.train.rows[row].id);
  throw Error(
      format("train: step {}: found a loss of {} in the rows {}, expected a finite number. Lower "
             "learning_rate, or look at these rows and at the base model's weights.",
             step + 1, loss, quoted_list(ids)));
}

std::int64_t units_of(const TrainingSetup& setup, const StepRows& rows) {
  std::int64_t units = 0;
  for (const std::size_t row : rows.rows) units += setup.objective->units(setup.train.rows[row]);
  return units;
}

}  // namespace

std::optional<StepResult> compute_gradient(const TrainingSetup& setup, AdamW& optimizer,
                                           const StepRows& rows, std::int64_t step) {
  const Decoder& decoder = *setup.model->decoder;
  const TrainConfig& config = setup.config;
  const double units = static_cast<double>(units_of(setup, rows));
  const auto layout =
      lay_out(setup.train.rows, rows.rows, setup.layout(config.per_device_train_batch_size));
  const bool has_dropout = setup.trainable->is_adapter() && config.lora_dropout > 0;
  StepResult result;
  for (const auto& members : layout) {
    if (interrupt_requested()) return std::nullopt;
    const Pack pack = make_pack(setup.train.rows, members, decoder.device());
    const DropoutKey key{static_cast<std::uint64_t>(config.seed), step, pack.rows_T, pack.tokens_T};
    const at::Tensor sum = setup.objective->loss_sum(decoder, pack, has_dropout ? &key : nullptr);
    (sum / units).backward();
    optimizer.accumulate();
    const double loss = sum.item<double>();
    if (!std::isfinite(loss)) report_loss(setup, pack, step, loss);
    result.loss += loss / units;
    result.tokens += pack.num_tokens();
  }
  return result;
}

}  // namespace sqpsych
