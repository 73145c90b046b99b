#include "models/weights/sharded_safetensors.h"

#include "core/json.h"
#include "core/text.h"

namespace sqpsych {

std::uint64_t size_bytes(const DeferredTensor& tensor) {
  std::uint64_t product = c10::elementSize(tensor.dtype);
  for (auto size : tensor.shape) product *= static_cast<std::uint64_t>(size);
  return product;
}

void write_model_safetensors(const std::filesystem::path& folder,
                             const std::vector<DeferredTensor>& tensors,
                             std::uint64_t max_shard_bytes) {
  std::vector<std::vector<DeferredTensor>> shards;
  std::uint64_t total = 0;
  std::uint64_t shard_bytes = 0;
  for (const auto& tensor : tensors) {
    const auto own = size_bytes(tensor);
    if (shards.empty() || shard_bytes + own > max_shard_bytes) {
      shards.emplace_back();
      shard_bytes = 0;
    }
    shards.back().push_back(tensor);
    shard_bytes += own;
    total += own;
  }
  if (shards.size() <= 1) return write_safetensors(folder / "model.safetensors", tensors);
  Json weight_map = Json::object();
  for (std::size_t i = 0; i < shards.size(); ++i) {
    const auto name = format("model-{:05}-of-{:05}.safetensors", i + 1, shards.size());
    write_safetensors(folder / name, shards[i]);
    for (const auto& tensor : shards[i]) weight_map[tensor.name] = name;
  }
  const Json index = {{"metadata", {{"total_size", total}}}, {"weight_map", weight_map}};
  write_file_atomic(folder / "model.safetensors.index.json", index.dump(2) + "\n");
}

}  // namespace sqpsych
