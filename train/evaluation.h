#pragma once

#include <optional>

#include "train/setup.h"

namespace sqpsych {

/// Loss of a split without dropout and gradients: sum over all its supervised tokens divided by
/// their number, whatever the layout. Nothing when a signal came; an Error when it is not finite.
struct Evaluation {
  double loss = 0;
  double seconds = 0;
};

std::optional<Evaluation> evaluate_split(const TrainingSetup& setup, const SplitRows& split);

}  // namespace sqpsych
