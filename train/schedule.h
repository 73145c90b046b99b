#pragma once

#include <cstdint>
#include <string>

#include "train/config.h"

namespace sqpsych {

/// The learning rate's course, step by step as transformers' get_scheduler gives it
/// (transformers/optimization.py: constant, constant_with_warmup, linear, cosine of half a period).
class Schedule {
 public:
  Schedule(const TrainConfig& config, std::int64_t total_steps);
  /// Learning rate of the optimizer step with this 0-based number.
  double learning_rate(std::int64_t step) const;
  std::int64_t warmup_steps() const { return warmup_steps_; }

 private:
  double (*factor_)(double step, double warmup, double total);
  double peak_;
  std::int64_t warmup_steps_;
  std::int64_t total_steps_;
};

}  // namespace sqpsych
