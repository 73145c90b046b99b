#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "core/json.h"

namespace sqpsych {

/// Low-rank factors of one linear layer, as PEFT stores them.
struct AdapterFactors {
  at::Tensor a_RI;   ///< [rank, in]
  at::Tensor b_OR;   ///< [out, rank]
  double scale = 1;  ///< alpha / r, or alpha / sqrt(r) with rsLoRA
};

/// A PEFT LoRA adapter folder: adapter_config.json + adapter_model.safetensors.
struct AdapterDir {
  std::filesystem::path folder;
  Json config;
  /// By Hugging Face module path, e.g. "model.layers.0.self_attn.q_proj".
  std::map<std::string, AdapterFactors> modules;
};

/// What an adapter folder records about its making.
struct AdapterSettings {
  std::int64_t r = 8;
  double alpha = 8;
  double dropout = 0;
  bool use_rslora = false;
  std::vector<std::string> target_modules;  ///< as PEFT's LoraConfig takes them
  std::string base_model_name_or_path;
  double scale() const;
};

/// FormatError for anything we cannot apply exactly (DoRA, modules_to_save, bias, unpaired halves),
/// all problems together. rank_pattern and alpha_pattern are honoured.
AdapterDir read_adapter_dir(const std::filesystem::path& folder);

/// Writes a folder that PEFT loads: both files and a README.md card.
void write_adapter_dir(const std::filesystem::path& folder, const AdapterSettings& settings,
                       const std::map<std::string, AdapterFactors>& modules);

}  // namespace sqpsych
