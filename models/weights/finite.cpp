#include "models/weights/finite.h"

#include <ATen/ops/isfinite.h>

#include <cmath>

namespace sqpsych {

bool all_finite(const at::Tensor& tensor) {
  // NaN and infinity survive a sum, which needs no second tensor; finite values may overflow it.
  return std::isfinite(tensor.sum().item<double>()) || at::isfinite(tensor).all().item<bool>();
}

}  // namespace sqpsych
