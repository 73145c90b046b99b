#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "models/layers/features.h"
#include "models/layers/kv_cache.h"
#include "models/layers/linear.h"

namespace sqpsych {

/// Sequences laid end to end without padding; attention never crosses a boundary.
struct PackedIds {
  at::Tensor ids_T;                      ///< int64
  at::Tensor positions_T;                ///< int64, restarting at 0 in every sequence
  std::vector<std::int64_t> cu_seqlens;  ///< 0, end of sequence 1, ..., T
};

/// Packs one or more sequences.
PackedIds pack_ids(const std::vector<std::vector<std::int32_t>>& sequences);

struct ForwardOptions {
  const DropoutKey* dropout = nullptr;
  /// One sequence only: its ids continue behind cache->length(); the cache is extended.
  KvCache* cache = nullptr;
  /// Tokens that the cached sequence is known to reach soon (a prompt given in chunks); at least
  /// those cached and given now.
  std::int64_t sequence_length = 0;
};

/// A parameter by its own generic name, e.g. "layers.3.attention.q.weight". Names:
/// embedding.weight, layers.N.{attention_norm,mlp_norm}.weight,
/// layers.N.attention.{q,k,v,o}.{weight,bias}, layers.N.mlp.{gate,up,down}.{weight,bias},
/// norm.weight, head.weight (absent when tied). By features: attention.qkv, mlp.gate_up,
/// attention.{q_norm,k_norm}, post_attention_norm, post_mlp_norm, mlp.router,
/// mlp.experts.X.{gate,up,down}.
using NamedParameter = std::pair<std::string, at::Tensor*>;

/// THE decoder: pre-norm transformer built from features. Holds weights, knows no file format.
/// Works under autograd when parameters require gradients.
class Decoder {
 public:
  /// Parameters are allocated but not filled.
  Decoder(const DecoderFeatures& features, at::ScalarType dtype, at::Device device);
  ~Decoder();

  const DecoderFeatures& features() const;
  at::ScalarType dtype() const;
  at::Device device() const;

  /// Hidden states behind the final norm, [T, E].
  at::Tensor hidden(const PackedIds& packed, const ForwardOptions& options = {}) const;
  /// Whether a sequence of this length is rotated otherwise than a short one: its keys cannot
  /// continue a short one's cache.
  bool is_extended(std::int64_t length) const;
  /// [T, E] -> [T, V] in the computation's dtype.
  at::Tensor logits(const at::Tensor& hidden_TE) const;
  /// What logits() applies before scale and cap: the head, or the embedding's weight when tied.
  Linear head() const;

  std::vector<NamedParameter> parameters();
  /// Linear layers by own name without ".weight" ("layers.0.attention.q", ..., "head" when untied).
  std::vector<std::pair<std::string, Linear*>> linears();
  bool has_adapter() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

/// Names and shapes (PyTorch order) that a decoder of these features has.
std::vector<std::pair<std::string, std::vector<std::int64_t>>> parameter_shapes(
    const DecoderFeatures& features);

}  // namespace sqpsych
