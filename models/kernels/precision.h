#pragma once

#include <c10/core/ScalarType.h>

namespace sqpsych {

/// The precision that sums, norms and losses of a tensor of this type are computed in.
inline at::ScalarType wide_type(at::ScalarType type) {
  return type == at::kDouble ? at::kDouble : at::kFloat;
}

}  // namespace sqpsych
