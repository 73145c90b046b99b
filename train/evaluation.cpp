#include "train/evaluation.h"

#include <ATen/core/grad_mode.h>

#include <chrono>
#include <cmath>
#include <numeric>

#include "core/interrupt.h"
#include "core/progress.h"

namespace sqpsych {

std::optional<Evaluation> evaluate_split(const TrainingSetup& setup, const SplitRows& split) {
  const at::NoGradGuard no_grad;
  const auto begin = std::chrono::steady_clock::now();
  std::vector<std::size_t> all(split.rows.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  const Decoder& decoder = *setup.model->decoder;
  const auto packs =
      lay_out(split.rows, all, setup.layout(setup.config.per_device_eval_batch_size));
  Progress progress("validation", static_cast<std::int64_t>(packs.size()), "packs");
  double sum = 0;
  for (const auto& rows : packs) {
    if (interrupt_requested()) return std::nullopt;
    const Pack pack = make_pack(split.rows, rows, decoder.device());
    sum += setup.objective->loss_sum(decoder, pack, nullptr).item<double>();
    progress.advance();
  }
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begin;
  if (!std::isfinite(sum))
    throw Error(
        format("train: '{}': found a validation loss of {}, expected a finite number. Lower "
               "learning_rate, or look at the base model's weights.",
               split.file.string(), sum));
  return Evaluation{sum / static_cast<double>(split.units), elapsed.count()};
}

}  // namespace sqpsych
