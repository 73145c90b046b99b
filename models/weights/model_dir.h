#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/json.h"
#include "models/weights/safetensors.h"

namespace sqpsych {

/// A Hugging Face model folder opened for reading: config.json, generation_config.json (or null),
/// and the tensors of model.safetensors or of all shards named in model.safetensors.index.json.
class ModelDir {
 public:
  /// ResourceError / FormatError name what is missing.
  explicit ModelDir(const std::filesystem::path& folder);
  const std::filesystem::path& folder() const { return folder_; }
  const Json& config() const { return config_; }
  const Json& generation_config() const { return generation_config_; }
  std::vector<std::string> tensor_names() const;
  bool has(const std::string& name) const { return where_.count(name) > 0; }
  const SafetensorsEntry& entry(const std::string& name) const;
  at::Tensor tensor(const std::string& name) const;  ///< shares mapped memory
  std::string_view bytes(const std::string& name) const;
  std::uint64_t total_bytes() const;
  std::vector<std::filesystem::path> weight_files() const;

 private:
  void open_weights();
  std::filesystem::path folder_;
  Json config_;
  Json generation_config_;
  std::vector<std::unique_ptr<SafetensorsFile>> files_;
  std::map<std::string, std::size_t> where_;
};

/// Resolves what `--model` takes: a folder, a .gguf file, or a hub id already in the local Hugging
/// Face cache (HF_HOME / HF_HUB_CACHE; newest snapshot of refs/main). Nothing is downloaded.
/// ConfigError says where it looked.
std::filesystem::path resolve_model_path(const std::string& model);

/// sha256 by name of the files that decide what a model says: weights, settings, vocabulary and
/// templates of a model or adapter folder, or a .gguf file.
Json model_file_hashes(const std::filesystem::path& model);

/// `org/name` of a snapshot in a Hugging Face cache (models--org--name/snapshots/HASH); empty for
/// every other folder.
std::string hub_id_of(const std::filesystem::path& folder);
/// What people call a model: the repository's name for a hub snapshot, else the folder's.
std::string model_name(const std::filesystem::path& folder);

}  // namespace sqpsych
