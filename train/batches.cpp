#include "train/batches.h"

#include <ATen/ops/tensor.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/error.h"
#include "core/random.h"
#include "data/packing/pack.h"

namespace sqpsych {
namespace {

std::int64_t divide_up(std::int64_t value, std::int64_t by) { return (value + by - 1) / by; }

at::Tensor to_device(const std::vector<std::int64_t>& values, at::Device device) {
  return at::tensor(values, at::TensorOptions().dtype(at::kLong)).to(device);
}

}  // namespace

StepOrder::StepOrder(const TrainConfig& config, std::int64_t num_rows)
    : seed_(static_cast<std::uint64_t>(config.seed)),
      num_rows_(num_rows),
      rows_per_micro_step_(config.per_device_train_batch_size),
      rows_per_step_(config.per_device_train_batch_size * config.gradient_accumulation_steps),
      steps_per_epoch_(divide_up(num_rows, rows_per_step_)) {
  SQPSYCH_CHECK(num_rows > 0);
  total_steps_ = config.max_steps > 0
                     ? config.max_steps
                     : static_cast<std::int64_t>(std::ceil(config.num_train_epochs *
                                                           static_cast<double>(steps_per_epoch_)));
}

StepRows StepOrder::rows_of(std::int64_t step) const {
  StepRows result;
  result.epoch = step / steps_per_epoch_;
  if (shuffled_epoch_ != result.epoch) {
    order_.resize(static_cast<std::size_t>(num_rows_));
    std::iota(order_.begin(), order_.end(), std::size_t{0});
    RandomStream stream(derive_seed({"row order", static_cast<std::int64_t>(seed_), result.epoch}));
    stream.shuffle(order_);
    shuffled_epoch_ = result.epoch;
  }
  const std::int64_t begin = step % steps_per_epoch_ * rows_per_step_;
  const std::int64_t end = std::min(num_rows_, begin + rows_per_step_);
  result.rows.assign(order_.begin() + begin, order_.begin() + end);
  result.ends_epoch = end == num_rows_;
  const double micro_steps = static_cast<double>(divide_up(end, rows_per_micro_step_));
  const double micro_steps_per_epoch =
      static_cast<double>(divide_up(num_rows_, rows_per_micro_step_));
  result.epoch_after = static_cast<double>(result.epoch) + micro_steps / micro_steps_per_epoch;
  return result;
}

std::vector<std::vector<std::size_t>> lay_out(const std::vector<TokenizedRow>& rows,
                                              const std::vector<std::size_t>& chosen,
                                              const StepLayout& layout) {
  std::vector<std::vector<std::size_t>> packs;
  if (layout.packing) {
    std::vector<std::size_t> lengths;
    for (const std::size_t row : chosen) lengths.push_back(rows[row].ids.size());
    packs = pack_rows(lengths, static_cast<std::size_t>(layout.max_tokens));
    for (auto& pack : packs)
      for (auto& member : pack) member = chosen[member];
    return packs;
  }
  const std::size_t size = static_cast<std::size_t>(layout.rows_per_pack);
  for (std::size_t begin = 0; begin < chosen.size(); begin += size)
    packs.emplace_back(
        chosen.begin() + static_cast<std::ptrdiff_t>(begin),
        chosen.begin() + static_cast<std::ptrdiff_t>(std::min(begin + size, chosen.size())));
  return packs;
}

Pack make_pack(const std::vector<TokenizedRow>& rows, const std::vector<std::size_t>& chosen,
               at::Device device) {
  const PackLayout layout = lay_out_pack(rows, chosen);
  std::vector<std::int64_t> targets(layout.ids.size(), -1);
  Pack pack;
  pack.rows = chosen;
  for (std::size_t i = 1; i < layout.ids.size(); ++i) {
    if (!layout.supervised[i]) continue;
    targets[i - 1] = layout.ids[i];
    ++pack.num_supervised;
  }
  pack.packed.ids_T = to_device(layout.ids, device);
  pack.packed.positions_T = to_device(layout.positions, device);
  pack.packed.cu_seqlens = layout.cu_seqlens;
  pack.targets_T = to_device(targets, device);
  // Numbers of the whole split's rows, so that dropout is the same in any pack.
  pack.rows_T = to_device(layout.row_numbers, device);
  pack.tokens_T = to_device(layout.token_positions, device);
  return pack;
}

}  // namespace sqpsych
