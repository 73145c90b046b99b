#pragma once

#include <cstdint>

#include "models/model.h"
#include "train/trainable.h"

namespace sqpsych {

/// Memory that a training will need on its device, known before its first step.
struct MemoryPlan {
  std::uint64_t weight_bytes = 0;      ///< the model, low-rank factors included
  std::uint64_t state_bytes = 0;       ///< gradients, moments, fp32 masters
  std::uint64_t activation_bytes = 0;  ///< of the longest pack: what its backward pass keeps
  std::uint64_t passing_bytes = 0;     ///< the largest operation's own buffers
  std::uint64_t program_bytes = 0;     ///< libraries, tokenizer and rows; 0 on other devices
  std::uint64_t total_bytes() const {
    return weight_bytes + state_bytes + activation_bytes + passing_bytes + program_bytes;
  }
};

/// Counted from the features, the trained tensors and what autograd keeps of each operation;
/// `program_bytes` is what the process holds now beside the weights. `longest_pack` in tokens. Also
/// for a model whose weights were not loaded (load_model_outline).
MemoryPlan plan_memory(Model& model, const Trainable& trainable, std::int64_t longest_pack);

}  // namespace sqpsych
