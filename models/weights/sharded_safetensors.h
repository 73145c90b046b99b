#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "models/weights/safetensors.h"

namespace sqpsych {

/// Size above which Hugging Face's save_pretrained splits a checkpoint ("5GB").
inline constexpr std::uint64_t kMaxShardBytes = 5'000'000'000;

/// Bytes of a tensor once written.
std::uint64_t size_bytes(const DeferredTensor& tensor);

/// model.safetensors, or model-00001-of-0000N.safetensors and model.safetensors.index.json when all
/// tensors together exceed `max_shard_bytes` (one tensor is never split).
void write_model_safetensors(const std::filesystem::path& folder,
                             const std::vector<DeferredTensor>& tensors,
                             std::uint64_t max_shard_bytes = kMaxShardBytes);

}  // namespace sqpsych
