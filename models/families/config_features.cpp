#include "models/families/config_features.h"

#include <algorithm>
#include <cmath>

#include "core/text.h"
#include "models/families/rope_config.h"

namespace sqpsych {
namespace {

constexpr const char* kFullAttention = "full_attention";
constexpr const char* kSlidingAttention = "sliding_attention";

void read_activation(const ConfigReader& reader, const ConfigStyle& style, DecoderFeatures& f) {
  const auto name = reader.text(style.activation_key, style.activation);
  if (name == "silu" || name == "swish")
    f.activation = Activation::kSilu;
  else if (name == "gelu_pytorch_tanh")
    f.activation = Activation::kGeluTanh;
  else
    reader.problem(
        format("{}: found '{}', expected 'silu' or 'gelu_pytorch_tanh'. Other activations are not "
               "supported.",
               style.activation_key, name));
}

/// fp8 weights with block scales are dequantised while loading; nothing else is.
void check_quantisation(const ConfigReader& reader) {
  const auto* quantisation = reader.find("quantization_config");
  if (!quantisation) return;
  const auto method =
      quantisation->is_object() ? quantisation->value("quant_method", Json()) : Json();
  if (method == "fp8" && quantisation->contains("weight_block_size")) return;
  reader.problem(format(
      "quantization_config: found quant_method {}, expected 'fp8' with weight_block_size, or "
      "F32, F16 or BF16 weights without it. Use the unquantised model.",
      method.dump()));
}

/// A wrapper may hold a language model of a family that is not known.
void check_model_type(const ConfigReader& reader, const ConfigStyle& style) {
  const auto type = reader.text("model_type", style.model_type);
  if (type != style.model_type)
    reader.problem(
        format("model_type: found '{}', expected '{}'. This language model is not "
               "supported.",
               type, style.model_type));
}

void check_bidirectional(const ConfigReader& reader) {
  if (reader.flag("use_bidirectional_attention", false))
    reader.problem(
        "use_bidirectional_attention: found true, expected false: the decoder is causal.");
}

}  // namespace

void check_heads(const DecoderFeatures& f, ProblemList& problems) {
  if (f.num_heads % f.num_kv_heads != 0)
    problems.add(
        format("num_attention_heads: found {}, expected a multiple of num_key_value_heads ({}).",
               f.num_heads, f.num_kv_heads));
  if (f.rope.dims % 2 != 0 || f.rope.dims < 2 || f.rope.dims > f.head_dim)
    problems.add(
        format("head_dim: found {} with {} rotated dimensions, expected an even number from 2 to "
               "head_dim: "
               "rotary embeddings pair dimensions.",
               f.head_dim, f.rope.dims));
}

DecoderFeatures features_from_config(const ConfigReader& reader, const ConfigStyle& style) {
  DecoderFeatures f;
  f.vocabulary_size = reader.integer("vocab_size", std::nullopt, 1, kMaxSize);
  f.hidden_size = reader.integer("hidden_size", std::nullopt, 1, kMaxSize);
  f.num_layers = reader.integer("num_hidden_layers", std::nullopt, 1, kMaxLayers);
  f.num_heads = reader.integer("num_attention_heads", std::nullopt, 1, kMaxSize);
  f.num_kv_heads = reader.integer("num_key_value_heads", f.num_heads, 1, kMaxSize);
  const auto derived = std::max<std::int64_t>(1, f.hidden_size / f.num_heads);
  f.head_dim =
      reader.integer("head_dim", style.head_dim > 0 ? style.head_dim : derived, 1, kMaxSize);
  if (style.head_dim == 0 && !reader.find("head_dim") && f.hidden_size % f.num_heads != 0)
    reader.problem(
        format("hidden_size: found {}, expected a multiple of num_attention_heads ({}) where "
               "head_dim is not given.",
               f.hidden_size, f.num_heads));
  f.intermediate_size = reader.integer("intermediate_size", std::nullopt, 1, kMaxSize);
  f.context_length = reader.integer("max_position_embeddings", 2048, 1, kMaxSize);
  f.norm_eps = reader.number(style.norm_eps_key, style.norm_eps);
  f.tied_embeddings = reader.flag("tie_word_embeddings", style.tied_embeddings);
  read_activation(reader, style, f);
  read_rope(reader, style, f);
  grow_context(f);
  ProblemList problems;
  check_heads(f, problems);
  for (const auto& problem : problems.problems()) reader.problem(problem);
  check_model_type(reader, style);
  check_quantisation(reader);
  check_bidirectional(reader);
  return f;
}

std::int64_t window_for_context(std::int64_t window, const DecoderFeatures& features) {
  return std::min(window, std::max<std::int64_t>(1, features.context_length / 4));
}

void set_windows(DecoderFeatures& features, std::int64_t window,
                 const std::function<bool(std::int64_t)>& is_local) {
  features.layers.resize(static_cast<std::size_t>(features.num_layers));
  for (std::int64_t i = 0; i < features.num_layers; ++i) {
    auto& layer = features.layers[static_cast<std::size_t>(i)];
    if (!is_local(i)) continue;
    layer.window = window;
    if (features.local_rope) layer.rope = RopeChoice::kLocal;
  }
}

void read_windows(const ConfigReader& reader, const ConfigStyle& style, DecoderFeatures& features,
                  const std::function<bool(std::int64_t)>& is_local) {
  const auto types = reader.texts("layer_types");
  for (const auto& type : types)
    if (type != kFullAttention && type != kSlidingAttention)
      reader.problem(format("layer_types: found '{}', expected '{}' or '{}'.", type, kFullAttention,
                            kSlidingAttention));
  if (!types.empty() && std::ssize(types) < features.num_layers) {
    reader.problem(format("layer_types: found {} entries, expected one per layer ({}).",
                          types.size(), features.num_layers));
    return;
  }
  const auto window = reader.has("sliding_window") && !reader.find("sliding_window")
                          ? 0
                          : reader.integer("sliding_window", style.window, 0, kMaxSize);
  const auto chosen = [&](std::int64_t layer) {
    return types.empty() ? is_local(layer)
                         : types[static_cast<std::size_t>(layer)] == kSlidingAttention;
  };
  if (window > 0 || features.local_rope) set_windows(features, window, chosen);
}

void read_upper_windows(const ConfigReader& reader, const ConfigStyle& style,
                        DecoderFeatures& features) {
  if (!reader.flag("use_sliding_window", false)) return;
  const auto first = reader.integer("max_window_layers", 28, 0, kMaxSize);
  read_windows(reader, style, features, [first](std::int64_t layer) { return layer >= first; });
}

namespace {

/// num_layers when there is none.
std::int64_t first_window(const DecoderFeatures& features) {
  std::int64_t layer = 0;
  while (layer < features.num_layers && features.layer(layer).window == 0) ++layer;
  return layer;
}

}  // namespace

void write_upper_windows(const DecoderFeatures& features, Json& config) {
  config["use_sliding_window"] = window_of(features) > 0;
  config["max_window_layers"] = first_window(features);
}

bool every_layer(std::int64_t) { return true; }

std::function<bool(std::int64_t)> all_but_last_of(std::int64_t period) {
  return [period](std::int64_t layer) { return (layer + 1) % period != 0; };
}

std::int64_t window_of(const DecoderFeatures& features) {
  const auto layer = first_window(features);
  return layer < features.num_layers ? features.layer(layer).window : 0;
}

Json query_scalar_of(double attention_scale) {
  const double scalar = std::round(1e6 / (attention_scale * attention_scale)) / 1e6;
  if (scalar == std::round(scalar)) return static_cast<std::int64_t>(scalar);
  return scalar;
}

Json soft_cap_or_null(double cap) { return cap > 0 ? Json(cap) : Json(); }

namespace {

void write_windows(const DecoderFeatures& f, Json& config) {
  config["sliding_window"] = nullptr;
  auto types = Json::array();
  for (const auto& layer : f.layers) {
    if (layer.window > 0) config["sliding_window"] = layer.window;
    types.push_back(layer.window > 0 ? kSlidingAttention : kFullAttention);
  }
  // Some readers take the list as the sign of another family: only where layers do differ.
  if (std::adjacent_find(types.begin(), types.end(), std::not_equal_to<>()) != types.end())
    config["layer_types"] = types;
}

}  // namespace

Json config_from_features(const DecoderFeatures& f, const ConfigStyle& style) {
  Json config = {
      {"architectures", {style.architecture}},
      {"model_type", style.model_type},
      {"vocab_size", f.vocabulary_size},
      {"hidden_size", f.hidden_size},
      {"intermediate_size", f.intermediate_size},
      {"num_hidden_layers", f.num_layers},
      {"num_attention_heads", f.num_heads},
      {"num_key_value_heads", f.num_kv_heads},
      {"head_dim", f.head_dim},
      {"max_position_embeddings", f.context_length},
      {style.norm_eps_key, f.norm_eps},
      {style.activation_key, f.activation == Activation::kSilu ? "silu" : "gelu_pytorch_tanh"},
      {"attention_bias", f.attention_output_bias},
      {"tie_word_embeddings", f.tied_embeddings}};
  write_rope(f, config);
  write_windows(f, config);
  return config;
}

}  // namespace sqpsych
