#pragma once

#include <ATen/core/Tensor.h>

namespace sqpsych {

/// Whether no value is NaN or infinite.
bool all_finite(const at::Tensor& tensor);

}  // namespace sqpsych
