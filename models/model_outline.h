#pragma once

#include "models/model.h"

namespace sqpsych {

/// load_model() without the values of the weights, for checks: every name and shape is compared,
/// the decoder lies on the meta device and computes nothing.
Model load_model_outline(const std::filesystem::path& path,
                         const std::optional<std::filesystem::path>& adapter,
                         const ModelOptions& options);

}  // namespace sqpsych
