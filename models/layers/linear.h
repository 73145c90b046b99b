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

/// The same key for some of the tokens.
DropoutKey select_tokens(const DropoutKey& key, const at::Tensor& index_S);

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

  /// x [T, I] -> [T, O]. `dropout` null: no dropout. The side path is computed in the factors' own
  /// precision and the sum is rounded once to x's dtype (as PEFT does with fp32 adapters).
  at::Tensor forward(const at::Tensor& x_TI, const DropoutKey* dropout = nullptr) const;
};

/// (dropout(x) A^T) * scale, [T, R] in the factors' precision: what B is applied to.
at::Tensor low_rank_inner(const LowRank& low_rank, const at::Tensor& x_TI,
                          const DropoutKey* dropout, std::uint64_t module_id);

/// 1/(1-p) or 0 for each element of [T, width], from the key alone. fp32.
at::Tensor dropout_mask(const DropoutKey& key, std::uint64_t module_id, double p,
                        std::int64_t width);
/// The same numbers from tensor operations alone: the reference, and the path on other devices.
at::Tensor dropout_mask_reference(const DropoutKey& key, std::uint64_t module_id, double p,
                                  std::int64_t width);

}  // namespace sqpsych
