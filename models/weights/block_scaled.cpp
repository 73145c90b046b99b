#include "models/weights/block_scaled.h"

#include <ATen/TensorOperators.h>

#include "core/error.h"
#include "core/text.h"

namespace sqpsych {

std::string block_scale_name(const std::string& weight_name) { return weight_name + "_scale_inv"; }

at::Tensor dequantise_blocks(const at::Tensor& weight_OI, const at::Tensor& scale,
                             std::int64_t block_rows, std::int64_t block_columns,
                             const std::string& name) {
  const auto blocks = [](std::int64_t size, std::int64_t block) {
    return (size + block - 1) / block;
  };
  const bool fits = weight_OI.dim() == 2 && scale.dim() == 2 && block_rows > 0 &&
                    block_columns > 0 && scale.size(0) == blocks(weight_OI.size(0), block_rows) &&
                    scale.size(1) == blocks(weight_OI.size(1), block_columns);
  if (!fits)
    throw FormatError(
        format("tensor '{}': found block scales [{}] for a weight [{}], expected one per block of "
               "{} x {}. The weights are damaged.",
               name, number_list(scale.sizes()), number_list(weight_OI.sizes()), block_rows,
               block_columns));
  const auto rows = scale.to(at::kFloat)
                        .repeat_interleave(block_rows, 0)
                        .narrow(0, 0, weight_OI.size(0))
                        .repeat_interleave(block_columns, 1)
                        .narrow(1, 0, weight_OI.size(1));
  return weight_OI.to(at::kFloat) * rows;
}

}  // namespace sqpsych
