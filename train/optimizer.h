#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "models/weights/safetensors.h"

namespace sqpsych {

/// One trained tensor; `weight` shares memory with the model and requires gradients.
struct TrainedParameter {
  std::string name;
  at::Tensor weight;
  bool decays = true;  ///< norms and biases do not, as in transformers' Trainer
};

struct AdamWSettings {
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0;
};

/// AdamW (Loshchilov & Hutter 2019, arXiv 1711.05101) with the arithmetic of torch.optim.AdamW.
/// Moments are fp32. A weight in 16 bit has an fp32 master and an fp32 gradient sum: the weight
/// itself is the master rounded once per step.
class AdamW {
 public:
  AdamW(std::vector<TrainedParameter> parameters, const AdamWSettings& settings);

  /// Takes what the last backward left in the gradients into the fp32 sums.
  void accumulate();
  /// Global 2-norm of the summed gradients, as torch.nn.utils.clip_grad_norm_ forms it; scales them
  /// to `max_norm` when that is above 0 and exceeded.
  double clip(double max_norm);
  /// Updates every weight and clears the gradients.
  void step(double learning_rate);
  void clear_gradients();

  std::int64_t steps() const { return steps_; }
  const std::vector<TrainedParameter>& parameters() const { return parameters_; }
  /// The summed gradient of parameter i.
  at::Tensor gradient(std::size_t index) const;

  /// Everything a later process needs for the same next step, the weights themselves apart:
  /// `exp_avg.NAME`, `exp_avg_sq.NAME`, `master.NAME` (16-bit weights only).
  NamedTensors state() const;
  /// FormatError when the file holds other tensors.
  void load_state(const SafetensorsFile& file, std::int64_t steps);
  std::uint64_t state_bytes() const;

 private:
  struct Slot {
    at::Tensor master;    ///< the weight itself when that is fp32
    at::Tensor gradient;  ///< 16-bit weights: the fp32 sum
    at::Tensor exp_avg;
    at::Tensor exp_avg_sq;
  };
  void update(bool decays, double learning_rate, double weight_decay);

  std::vector<TrainedParameter> parameters_;
  AdamWSettings settings_;
  std::vector<Slot> slots_;
  std::int64_t steps_ = 0;
};

}  // namespace sqpsych
