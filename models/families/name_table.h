#pragma once

#include <vector>

#include "models/families/family.h"

namespace sqpsych {

/// Where the names of families differ beyond what their features say.
struct NameStyle {
  /// The GGUF architecture rotates adjacent pairs while the checkpoint rotates halves.
  bool interleaves_in_gguf = false;
  const char* expert_block = "mlp";
  const char* expert_gate = "gate_proj";
  const char* expert_up = "up_proj";
  const char* expert_down = "down_proj";
};

/// Every parameter of a decoder with these features, once, in the three worlds.
std::vector<TensorNames> tensor_names_of(const DecoderFeatures& features,
                                         const NameStyle& style = {});

}  // namespace sqpsych
