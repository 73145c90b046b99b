#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace sqpsych {

/// Frequency scaling as Llama 3.1 and later define it (config `rope_scaling`, type "llama3").
struct WavelengthRopeScaling {
  double factor = 8;
  double low_freq_factor = 1;
  double high_freq_factor = 4;
  std::int64_t original_context_length = 8192;
};

struct RopeFeatures {
  double base = 10000;
  std::int64_t dims = 0;  ///< rotated dimensions per head
  std::optional<WavelengthRopeScaling> wavelength_scaling;
  /// Divisors of the dims/2 frequencies where a file gives them directly (GGUF rope_freqs.weight);
  /// empty: none. Takes precedence over wavelength_scaling, which is one rule to compute them.
  std::vector<float> frequency_divisors;
};

/// What a decoder-only transformer is made of. Families fill it; generic code asks for features
/// and never for a family's name. Legend for tensor suffixes everywhere in models/ and train/:
/// T tokens (packed), E hidden_size, H num_heads, K num_kv_heads, D head_dim, F intermediate_size,
/// V vocabulary_size, R rank, I in features, O out features.
struct DecoderFeatures {
  std::int64_t vocabulary_size = 0;  ///< rows of the embedding
  std::int64_t hidden_size = 0;
  std::int64_t num_layers = 0;
  std::int64_t num_heads = 0;
  std::int64_t num_kv_heads = 0;
  std::int64_t head_dim = 0;
  std::int64_t intermediate_size = 0;
  std::int64_t context_length = 0;
  double rms_norm_eps = 1e-6;
  bool tied_embeddings = false;
  bool qkv_bias = false;
  bool attention_output_bias = false;
  bool mlp_bias = false;
  RopeFeatures rope;
};

}  // namespace sqpsych
