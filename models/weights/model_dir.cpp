#include "models/weights/model_dir.h"

#include <set>

#include "core/error.h"
#include "core/hash.h"
#include "core/json_lines.h"
#include "core/text.h"

namespace fs = std::filesystem;

namespace sqpsych {
namespace {

constexpr const char* kSingleFile = "model.safetensors";
constexpr const char* kIndexFile = "model.safetensors.index.json";

Json read_object(const fs::path& path) {
  auto document = read_json(path);
  if (!document.is_object())
    throw FormatError(format("{}: found {}, expected a JSON object. The file is damaged.",
                             path.string(), document.type_name()));
  return document;
}

/// Names of what a folder holds instead of safetensors, for the message.
std::string other_weights(const fs::path& folder) {
  for (const auto& file : fs::directory_iterator(folder)) {
    const auto name = file.path().filename().string();
    if (name.ends_with(".bin") || name.ends_with(".pt") || name.ends_with(".pth"))
      return format(" (found '{}': pickled weights are not read; save them as safetensors)", name);
    if (name == "adapter_model.safetensors")
      return " (found an adapter: pass its base model as --model and this folder as --adapter)";
  }
  return "";
}

/// tensor name -> shard file name, as the index says.
std::map<std::string, std::string> read_weight_map(const fs::path& index_path) {
  const auto index = read_object(index_path);
  const auto found = index.find("weight_map");
  if (found == index.end() || !found->is_object())
    throw FormatError(
        format("{}: weight_map: found nothing, expected an object of shard names. The "
               "file is damaged.",
               index_path.string()));
  std::map<std::string, std::string> weight_map;
  ProblemList problems;
  for (const auto& [name, shard] : found->items()) {
    const auto file = shard.is_string() ? shard.get<std::string>() : "";
    if (file.empty() || fs::path(file).filename() != fs::path(file))
      problems.add(
          format("weight_map: tensor '{}': found {}, expected the name of a file in this "
                 "folder",
                 name, shard.dump()));
    weight_map[name] = file;
  }
  problems.throw_if_any<FormatError>(index_path.string());
  return weight_map;
}

void require_shards(const fs::path& folder, const std::set<std::string>& shards) {
  std::vector<std::string> missing;
  for (const auto& shard : shards)
    if (!fs::exists(folder / shard)) missing.push_back(shard);
  if (!missing.empty())
    throw FormatError(format(
        "{}: weights: found {} of {} shards, expected also {}. Download or "
        "save the model again.",
        folder.string(), shards.size() - missing.size(), shards.size(), quoted_list(missing)));
}

}  // namespace

ModelDir::ModelDir(const fs::path& folder) : folder_(folder) {
  if (!fs::is_directory(folder))
    throw ResourceError(
        format("{}: found no folder, expected a Hugging Face model folder. Check "
               "--model.",
               folder.string()));
  if (!fs::exists(folder / "config.json"))
    throw ResourceError(format("{}: config.json: found nothing, expected the model's settings{}.",
                               folder.string(), other_weights(folder)));
  config_ = read_object(folder / "config.json");
  if (fs::exists(folder / "generation_config.json"))
    generation_config_ = read_object(folder / "generation_config.json");
  open_weights();
}

void ModelDir::open_weights() {
  if (fs::exists(folder_ / kSingleFile)) {
    files_.push_back(std::make_unique<SafetensorsFile>(folder_ / kSingleFile));
    for (const auto& [name, entry] : files_.front()->entries()) where_[name] = 0;
    return;
  }
  const auto index_path = folder_ / kIndexFile;
  if (!fs::exists(index_path))
    throw ResourceError(format("{}: weights: found neither '{}' nor '{}', expected one of them{}.",
                               folder_.string(), kSingleFile, kIndexFile, other_weights(folder_)));
  const auto weight_map = read_weight_map(index_path);
  std::set<std::string> shards;
  for (const auto& [name, shard] : weight_map) shards.insert(shard);
  require_shards(folder_, shards);
  std::map<std::string, std::size_t> numbers;
  for (const auto& shard : shards) {
    numbers[shard] = files_.size();
    files_.push_back(std::make_unique<SafetensorsFile>(folder_ / shard));
  }
  ProblemList problems;
  for (const auto& [name, shard] : weight_map) {
    where_[name] = numbers[shard];
    if (files_[numbers[shard]]->entries().count(name) == 0)
      problems.add(format("tensor '{}': found nothing in '{}', expected it there as the index says",
                          name, shard));
  }
  for (const auto& file : files_)
    for (const auto& [name, entry] : file->entries())
      if (!weight_map.count(name))
        problems.add(format("tensor '{}': found in '{}', expected it in the index too", name,
                            file->path().filename().string()));
  problems.throw_if_any<FormatError>(index_path.string());
}

std::vector<std::string> ModelDir::tensor_names() const {
  std::vector<std::string> names;
  for (const auto& [name, file] : where_) names.push_back(name);
  return names;
}

const SafetensorsEntry& ModelDir::entry(const std::string& name) const {
  const auto found = where_.find(name);
  if (found == where_.end())
    throw FormatError(
        format("{}: tensor '{}': found nothing, expected it among the weights. Check "
               "that config.json and weights belong together.",
               folder_.string(), name));
  return files_[found->second]->entries().at(name);
}

at::Tensor ModelDir::tensor(const std::string& name) const {
  entry(name);
  return files_[where_.at(name)]->tensor(name);
}

std::string_view ModelDir::bytes(const std::string& name) const {
  entry(name);
  return files_[where_.at(name)]->bytes(name);
}

std::uint64_t ModelDir::total_bytes() const {
  std::uint64_t sum = 0;
  for (const auto& file : files_)
    for (const auto& [name, entry] : file->entries()) sum += entry.end - entry.begin;
  return sum;
}

std::vector<fs::path> ModelDir::weight_files() const {
  std::vector<fs::path> paths;
  for (const auto& file : files_) paths.push_back(file->path());
  return paths;
}

Json model_file_hashes(const fs::path& model) {
  if (!fs::is_directory(model)) return {{model.filename().string(), sha256_hex_of_file(model)}};
  static const std::set<std::string> kExtensions = {".json", ".model", ".safetensors", ".jinja",
                                                    ".txt",  ".bpe",   ".tiktoken"};
  std::set<fs::path> files;
  for (const auto& entry : fs::directory_iterator(model))
    if (entry.is_regular_file() && kExtensions.count(entry.path().extension().string()))
      files.insert(entry.path());
  Json hashes = Json::object();
  for (const auto& file : files) hashes[file.filename().string()] = sha256_hex_of_file(file);
  return hashes;
}

}  // namespace sqpsych
