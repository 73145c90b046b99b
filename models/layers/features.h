#pragma once

#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

namespace sqpsych {

/// All frequencies divided by one factor (position interpolation; Chen et al. 2023, arXiv
/// 2306.15595).
struct LinearRopeScaling {
  double factor = 1;
};

/// Frequency scaling as Llama 3.1 and later define it (config `rope_scaling`, type "llama3").
struct WavelengthRopeScaling {
  double factor = 8;
  double low_freq_factor = 1;
  double high_freq_factor = 4;
  std::int64_t original_context_length = 8192;
};

/// YaRN (Peng et al. 2023, arXiv 2309.00071): low frequencies are divided by `factor`, high ones
/// stay, a ramp lies between them.
struct YarnRopeScaling {
  double factor = 1;
  double beta_fast = 32;
  double beta_slow = 1;
  std::int64_t original_context_length = 0;
  std::optional<double> attention_factor;  ///< absent: 0.1 ln(factor) + 1
  bool truncate = true;                    ///< whole numbers as ends of the ramp
};

/// LongRoPE (Ding et al. 2024, arXiv 2402.13753): one divisor per frequency, another list for
/// sequences longer than the original context.
struct LongRopeScaling {
  std::vector<double> short_divisors;
  std::vector<double> long_divisors;
  std::int64_t original_context_length = 0;
  double attention_factor = 1;
};

using RopeScaling = std::variant<std::monostate, LinearRopeScaling, WavelengthRopeScaling,
                                 YarnRopeScaling, LongRopeScaling>;

struct RopeFeatures {
  double base = 10000;
  std::int64_t dims = 0;     ///< rotated dimensions per head
  bool interleaved = false;  ///< pairs (2i, 2i+1) instead of (i, i + dims/2)
  RopeScaling scaling;
  /// Divisors of the dims/2 frequencies where a file gives them directly (GGUF rope_freqs.weight);
  /// empty: none. Takes precedence over `scaling`.
  std::vector<float> frequency_divisors;

  template <class Scaling>
  const Scaling* scaled_by() const {
    return std::get_if<Scaling>(&scaling);
  }
};

enum class NormKind {
  kRms,         ///< root mean square, weight
  kRmsPlusOne,  ///< root mean square, 1 + weight, multiplied before rounding
  kLayer,       ///< mean and variance, weight, no bias
};
/// Normalisation of every query and key head before rotation.
enum class HeadNorm {
  kNone,
  kShared,   ///< one weight [D] for all heads
  kPerHead,  ///< a weight [heads, D]
};
enum class Activation { kSilu, kGeluTanh };
enum class RopeChoice { kGlobal, kLocal, kNone };

/// Where layers of one model differ.
struct LayerFeatures {
  std::int64_t window = 0;  ///< a token sees itself and the window-1 before it; 0: all before it
  RopeChoice rope = RopeChoice::kGlobal;
};

/// Routed experts in the place of the gated unit; count 0: none.
struct MixtureFeatures {
  std::int64_t count = 0;
  std::int64_t per_token = 0;
  std::int64_t intermediate_size = 0;
  bool normalised = true;  ///< the chosen experts' weights sum to 1
};

/// What a decoder-only transformer is made of. Families fill it; generic code asks for features
/// and never for a family's name. Legend for tensor suffixes everywhere in models/ and train/:
/// T tokens (packed), E hidden_size, H num_heads, K num_kv_heads, D head_dim, F intermediate_size,
/// V vocabulary_size, R rank, I in features, O out features, X experts.
struct DecoderFeatures {
  std::int64_t vocabulary_size = 0;  ///< rows of the embedding
  std::int64_t hidden_size = 0;
  std::int64_t num_layers = 0;
  std::int64_t num_heads = 0;
  std::int64_t num_kv_heads = 0;
  std::int64_t head_dim = 0;
  std::int64_t intermediate_size = 0;
  std::int64_t context_length = 0;
  double norm_eps = 1e-6;
  bool tied_embeddings = false;
  bool qkv_bias = false;
  bool attention_output_bias = false;
  bool mlp_bias = false;
  bool fused_qkv = false;       ///< one matrix, rows q then k then v
  bool fused_gate_up = false;   ///< one matrix, rows gate then up
  bool post_norms = false;      ///< attention and mlp outputs are normalised before they are added
  bool parallel_block = false;  ///< attention and mlp read the same normalised input
  NormKind norm_kind = NormKind::kRms;
  HeadNorm head_norm = HeadNorm::kNone;
  Activation activation = Activation::kSilu;
  double embedding_scale = 1;
  double attention_scale = 0;     ///< 0: 1/sqrt(head_dim)
  double attention_soft_cap = 0;  ///< c: scores become c tanh(score/c); 0: none
  double logit_scale = 1;
  double logit_soft_cap = 0;  ///< behind logit_scale
  MixtureFeatures experts;
  RopeFeatures rope;
  std::optional<RopeFeatures> local_rope;  ///< of layers with RopeChoice::kLocal
  std::vector<LayerFeatures> layers;       ///< one per layer; empty: all alike

  LayerFeatures layer(std::int64_t index) const {
    return layers.empty() ? LayerFeatures{} : layers[static_cast<std::size_t>(index)];
  }
};

}  // namespace sqpsych
