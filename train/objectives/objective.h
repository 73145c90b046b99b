#pragma once

#include <string>
#include <vector>

#include "train/batches.h"

namespace sqpsych {

/// What a training minimises: a sum over units (e.g. supervised tokens) of packs; a step divides
/// it by the number of units of the whole step. One file per objective, no header.
class Objective {
 public:
  virtual ~Objective() = default;
  virtual std::string name() const = 0;
  /// Scalar fp32 under autograd. `dropout` null: none (evaluation, or lora_dropout 0).
  virtual at::Tensor loss_sum(const Decoder& decoder, const Pack& pack,
                              const DropoutKey* dropout) const = 0;
  /// Number of units that `loss_sum` adds up over this row.
  virtual std::int64_t units(const TokenizedRow& row) const = 0;
};

std::vector<const Objective*> objectives();
/// ConfigError lists the known names.
const Objective& objective_by_name(const std::string& name);

}  // namespace sqpsych
