#include "train/evaluation.h"

#include <ATen/core/grad_mode.h>

#include <chrono>
#include <numeric>

#include "core/progress.h"

namespace sqpsych {

Evaluation evaluate_split(const TrainingSetup& setup, const SplitRows& split) {
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
    const Pack pack = make_pack(split.rows, rows, decoder.device());
    sum += setup.objective->loss_sum(decoder, pack, nullptr).item<double>();
    progress.advance();
  }
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begin;
  return {sum / static_cast<double>(split.units), elapsed.count()};
}

}  // namespace sqpsych
