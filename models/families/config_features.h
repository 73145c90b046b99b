#pragma once

#include <functional>
#include <string>

#include "models/config_reader.h"
#include "models/layers/features.h"

namespace sqpsych {

inline constexpr std::int64_t kMaxSize = std::int64_t{1} << 24;
/// Every expert has tensors with names of their own, in memory before a file is compared.
inline constexpr std::int64_t kMaxExperts = 4096;
inline constexpr std::int64_t kMaxLayers = 512;

/// Where the configs of families differ in spelling and in what an absent key means.
struct ConfigStyle {
  const char* model_type = "";
  const char* architecture = "";
  const char* norm_eps_key = "rms_norm_eps";
  const char* activation_key = "hidden_act";
  const char* activation = "silu";
  double norm_eps = 1e-6;
  double rope_base = 10000;
  double local_rope_base = 0;  ///< 0: windowed layers rotate as the others
  std::int64_t head_dim = 0;   ///< 0: hidden_size / num_attention_heads
  std::int64_t window = 0;     ///< where the config has no sliding_window
  bool tied_embeddings = false;
  bool rotates_partially = false;  ///< partial_rotary_factor is honoured
};

/// Sizes, heads, activation, rotary embedding, tying, quantisation: what every config has. Every
/// problem is added to the reader's list; the result is always within bounds.
DecoderFeatures features_from_config(const ConfigReader& reader, const ConfigStyle& style);

/// Windows per layer: `layer_types`, else is_local(layer); `sliding_window` null: none. Windowed
/// layers take local_rope where the features have it.
void read_windows(const ConfigReader& reader, const ConfigStyle& style, DecoderFeatures& features,
                  const std::function<bool(std::int64_t)>& is_local);

/// The rule of read_windows where the upper layers have windows: `use_sliding_window` says whether,
/// `max_window_layers` how many layers below have none.
void read_upper_windows(const ConfigReader& reader, const ConfigStyle& style,
                        DecoderFeatures& features);
void write_upper_windows(const DecoderFeatures& features, Json& config);

/// Patterns of windowed layers.
bool every_layer(std::int64_t layer);
/// All but the last of every `period` layers.
std::function<bool(std::int64_t)> all_but_last_of(std::int64_t period);

/// `window`, or a quarter of a smaller context: what a new model of any size gets.
std::int64_t window_for_context(std::int64_t window, const DecoderFeatures& features);

/// Windows of `window` tokens in the layers that is_local chooses.
void set_windows(DecoderFeatures& features, std::int64_t window,
                 const std::function<bool(std::int64_t)>& is_local);

/// The window of the features' windowed layers, 0 when there is none.
std::int64_t window_of(const DecoderFeatures& features);

/// n of an attention scale 1/sqrt(n), to six decimals (`query_pre_attn_scalar`).
/// A whole number where it is one: transformers refuses 16.0.
Json query_scalar_of(double attention_scale);
/// 0, which stands for no cap, is written as null.
Json soft_cap_or_null(double cap);

/// The reverse of both: config.json content that transformers of either generation reads.
Json config_from_features(const DecoderFeatures& features, const ConfigStyle& style);

/// What heads and rotary embedding ask of each other.
void check_heads(const DecoderFeatures& features, ProblemList& problems);

}  // namespace sqpsych
