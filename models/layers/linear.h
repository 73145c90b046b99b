#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>

namespace sqpsych {

/// Names the random numbers of dropout: a mask is a function of (seed, step, row, token, module),
/// never of what was drawn before, so packing and resuming do not change it.
struct DropoutKey {
  std::uint64_t seed = 0;
  std::int64_t step = 0;
  at::Tensor rows_T;    ///< int64: number of the dataset row each token belongs to
  at::Tensor tokens_T;  ///< int64: position of the token inside its row
};

/// A low-rank side path: y += scale * (dropout(x) A^T) B^T (Hu et al. 2021, arXiv 2106.09685).
struct LowRank {
  at::Tensor a_RI;  ///< fp32 master
  at::Tensor b_OR;  ///< fp32 master
  double scale = 1;
  double dropout = 0;
};

/// A dense linear layer with an optional low-rank side path.
struct Linear {
  at::Tensor weight_OI;
  at::Tensor bias_O;  ///< undefined when absent
  std::optional<LowRank> low_rank;
  std::uint64_t module_id = 0;  ///< hash of the module's own name, for DropoutKey

  /// x [.., I] -> [.., O]. `dropout` null: no dropout.
  at::Tensor forward(const at::Tensor& x_TI, const DropoutKey* dropout = nullptr) const;
};

/// 1/(1-p) or 0 for each element of [T, width], from the key alone. fp32.
at::Tensor dropout_mask(const DropoutKey& key, std::uint64_t module_id, double p,
                        std::int64_t width);

}  // namespace sqpsych
