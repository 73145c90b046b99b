#pragma once

#include <cstdint>
#include <vector>

#include "models/layers/decoder.h"
#include "models/tokenized_row.h"
#include "train/config.h"

namespace sqpsych {

/// Rows laid end to end for one forward pass.
struct Pack {
  PackedIds packed;
  at::Tensor targets_T;  ///< int64: the token that follows, or -1 where nothing is supervised
  at::Tensor rows_T;     ///< int64: number of the row each token belongs to
  at::Tensor tokens_T;   ///< int64: position of the token inside its row
  std::vector<std::size_t> rows;
  std::int64_t num_supervised = 0;
  std::int64_t num_tokens() const { return packed.ids_T.size(0); }
};

/// The rows of one optimizer step, as numbers of training rows.
struct StepRows {
  std::int64_t epoch = 0;  ///< 0-based
  std::vector<std::size_t> rows;
  double epoch_after = 0;  ///< epochs done behind this step, as the HF Trainer counts them
  bool ends_epoch = false;
};

/// Which rows each step sees: every epoch is a shuffle by (seed, epoch) alone; the last micro-batch
/// and the last step of an epoch may be smaller, and no step crosses epochs (as the HF Trainer).
class StepOrder {
 public:
  StepOrder(const TrainConfig& config, std::int64_t num_rows);
  std::int64_t steps_per_epoch() const { return steps_per_epoch_; }
  std::int64_t total_steps() const { return total_steps_; }
  StepRows rows_of(std::int64_t step) const;

 private:
  std::uint64_t seed_;
  std::int64_t num_rows_;
  std::int64_t rows_per_micro_step_;
  std::int64_t rows_per_step_;
  std::int64_t steps_per_epoch_;
  std::int64_t total_steps_;
  mutable std::int64_t shuffled_epoch_ = -1;
  mutable std::vector<std::size_t> order_;
};

/// How rows become packs; the gradient of a step is the same for every layout.
struct StepLayout {
  bool packing = true;
  std::int64_t max_tokens = 0;     ///< packing: best fit up to so many tokens
  std::int64_t rows_per_pack = 1;  ///< otherwise: so many rows each
};

/// Numbers of rows per pack, in the order they are computed.
std::vector<std::vector<std::size_t>> lay_out(const std::vector<TokenizedRow>& rows,
                                              const std::vector<std::size_t>& chosen,
                                              const StepLayout& layout);

Pack make_pack(const std::vector<TokenizedRow>& rows, const std::vector<std::size_t>& chosen,
               at::Device device);

}  // namespace sqpsych
