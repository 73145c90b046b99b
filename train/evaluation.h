#pragma once

#include <cstdint>

#include "train/setup.h"

namespace sqpsych {

/// Loss of a split without dropout and gradients: sum over all its supervised tokens divided by
/// their number, whatever the layout.
struct Evaluation {
  double loss = 0;
  double seconds = 0;
};

Evaluation evaluate_split(const TrainingSetup& setup, const SplitRows& split);

}  // namespace sqpsych
