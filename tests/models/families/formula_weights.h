#pragma once

#include <ATen/ops/empty.h>

#include <cmath>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "models/families/family.h"
#include "models/layers/decoder.h"

namespace sqpsych::testing {

/// Values from a tensor's name and shape alone, as scripts/make_goldens.py computes them: uniform
/// in
/// [-1, 1) by FNV-1a of the name and splitmix64 of (hash + index); norms 1 + u/4, biases u/4,
/// matrices u sqrt(3/columns).
inline at::Tensor formula_tensor(const std::string& name, const std::vector<std::int64_t>& shape) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  const bool is_norm = name.ends_with("norm.weight");
  const bool is_bias = name.ends_with("bias");
  const double scale =
      is_norm || is_bias ? 0.25 : std::sqrt(3.0 / static_cast<double>(shape.back()));
  auto tensor = at::empty(shape, at::kFloat);
  auto* value = tensor.mutable_data_ptr<float>();
  for (std::int64_t i = 0; i < tensor.numel(); ++i) {
    auto z = hash + static_cast<std::uint64_t>(i + 1) * 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    z ^= z >> 31;
    const double uniform = static_cast<double>(z >> 40) / 8388608.0 - 1;
    value[i] = static_cast<float>((is_norm ? 1 : 0) + scale * uniform);
  }
  return tensor;
}

/// A decoder whose every parameter is the formula of its Hugging Face name.
inline std::unique_ptr<Decoder> formula_decoder(const Family& family,
                                                const DecoderFeatures& features,
                                                at::ScalarType dtype) {
  auto decoder = std::make_unique<Decoder>(features, dtype, at::kCPU);
  std::map<std::string, std::string> huggingface;
  for (const auto& names : family.tensor_names(features))
    huggingface[names.own] = names.huggingface;
  for (const auto& [name, parameter] : decoder->parameters())
    parameter->copy_(formula_tensor(huggingface.at(name), parameter->sizes().vec()));
  return decoder;
}

}  // namespace sqpsych::testing
