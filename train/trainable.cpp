#include "train/trainable.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include <cmath>
#include <set>

#include "core/error.h"
#include "core/files.h"
#include "core/random.h"
#include "core/text.h"
#include "models/families/family.h"
#include "models/generation_config.h"
#include "models/weights/model_dir.h"
#include "models/weights/safetensors.h"
#include "models/weights/tokenizer_files.h"

namespace fs = std::filesystem;

namespace sqpsych {
namespace {

constexpr const char* kWeightSuffix = ".weight";

std::string without_weight(const std::string& name) {
  return name.substr(0, name.size() - std::string(kWeightSuffix).size());
}

at::Tensor uniform_matrix(std::int64_t rows, std::int64_t columns, std::uint64_t seed) {
  at::Tensor matrix = at::empty({rows, columns}, at::kFloat);
  RandomStream stream(seed);
  const double bound = 1 / std::sqrt(static_cast<double>(columns));
  float* values = matrix.mutable_data_ptr<float>();
  for (std::int64_t i = 0; i < matrix.numel(); ++i)
    values[i] = static_cast<float>((2 * stream.uniform() - 1) * bound);
  return matrix;
}

const char* dtype_name(at::ScalarType dtype) {
  return dtype == at::kBFloat16 ? "bfloat16" : "float32";
}

AdapterSettings adapter_settings(const TrainConfig& config) {
  AdapterSettings settings;
  settings.r = config.lora_r;
  settings.alpha = config.lora_alpha;
  settings.dropout = config.lora_dropout;
  settings.use_rslora = config.use_rslora;
  return settings;
}

void copy_weight(const at::Tensor& target, const at::Tensor& source, const std::string& name,
                 const fs::path& folder) {
  if (target.sizes() != source.sizes() || target.scalar_type() != source.scalar_type())
    throw FormatError(
        format("checkpoint: '{}': tensor '{}': found {} [{}], expected {} [{}]. Delete this "
               "checkpoint folder and resume from an older one.",
               folder.string(), name, dtype_name(source.scalar_type()), number_list(source.sizes()),
               dtype_name(target.scalar_type()), number_list(target.sizes())));
  target.copy_(source);
}

}  // namespace

Trainable::Trainable(Model& model, const TrainConfig& config) : model_(model), config_(config) {
  std::map<std::string, std::string> path_of;
  for (const auto& names : model.family->tensor_names(model.decoder->features()))
    path_of[names.own] = names.huggingface;
  for (auto& [own, linear] : model.decoder->linears()) {
    const std::string path = without_weight(path_of.at(own + kWeightSuffix));
    modules_.push_back(path);
    linears_[path] = linear;
  }
  for (auto& [name, tensor] : model.decoder->parameters()) tensor->set_requires_grad(false);
  is_adapter() ? attach_lora() : collect_all_weights();
}

void Trainable::attach_lora() {
  chosen_ = choose_lora_modules(config_.lora_target_modules, modules_);
  const double scale = adapter_settings(config_).scale();
  for (const auto& path : chosen_) {
    Linear& linear = *linears_.at(path);
    const std::int64_t out = linear.weight_OI.size(0);
    const std::int64_t in = linear.weight_OI.size(1);
    const at::Device device = linear.weight_OI.device();
    const std::uint64_t seed = derive_seed({"lora A", config_.seed, path});
    LowRank factors;
    factors.a_RI = uniform_matrix(config_.lora_r, in, seed).to(device).set_requires_grad(true);
    factors.b_OR = at::zeros({out, config_.lora_r}, at::kFloat).to(device).set_requires_grad(true);
    factors.scale = scale;
    factors.dropout = config_.lora_dropout;
    linear.low_rank = factors;
    parameters_.push_back({path + ".lora_A.weight", factors.a_RI, true});
    parameters_.push_back({path + ".lora_B.weight", factors.b_OR, true});
  }
}

void Trainable::collect_all_weights() {
  std::map<std::string, at::Tensor*> by_own_name;
  for (auto& [name, tensor] : model_.decoder->parameters()) by_own_name[name] = tensor;
  for (const auto& names : model_.family->tensor_names(model_.decoder->features())) {
    const auto found = by_own_name.find(names.own);
    if (found == by_own_name.end()) continue;
    found->second->set_requires_grad(true);
    parameters_.push_back({names.huggingface, *found->second, found->second->dim() > 1});
  }
}

std::int64_t Trainable::parameter_count() const {
  std::int64_t count = 0;
  for (const auto& parameter : parameters_) count += parameter.weight.numel();
  return count;
}

void Trainable::write(const fs::path& folder) const {
  const at::NoGradGuard no_grad;
  is_adapter() ? write_adapter(folder) : write_model(folder);
}

void Trainable::write_adapter(const fs::path& folder) const {
  AdapterSettings settings = adapter_settings(config_);
  settings.target_modules = adapter_target_names(chosen_, modules_);
  const std::string hub_id = hub_id_of(model_.path);
  settings.base_model_name_or_path = hub_id.empty() ? model_.path.string() : hub_id;
  std::map<std::string, AdapterFactors> factors;
  for (const auto& path : chosen_) {
    const LowRank& low_rank = *linears_.at(path)->low_rank;
    factors[path] = {low_rank.a_RI.detach().cpu(), low_rank.b_OR.detach().cpu(), low_rank.scale};
  }
  write_adapter_dir(folder, settings, factors);
}

void Trainable::write_model(const fs::path& folder) const {
  fs::create_directories(folder);
  NamedTensors tensors;
  for (const auto& parameter : parameters_)
    tensors.emplace_back(parameter.name, parameter.weight.detach().cpu().contiguous());
  write_safetensors(folder / "model.safetensors", tensors);
  Json config = model_.config;
  // The key's name changed with transformers 4.56; the base's own stays.
  config[config.contains("dtype") ? "dtype" : "torch_dtype"] = dtype_name(model_.decoder->dtype());
  write_file_atomic(folder / "config.json", config.dump(2) + "\n");
  if (!model_.generation_config.is_null())
    write_file_atomic(folder / "generation_config.json", model_.generation_config.dump(2) + "\n");
}

void Trainable::read(const fs::path& folder) {
  const at::NoGradGuard no_grad;
  is_adapter() ? read_adapter(folder) : read_model(folder);
}

void Trainable::read_adapter(const fs::path& folder) {
  const AdapterDir adapter = read_adapter_dir(folder);
  for (const auto& path : chosen_) {
    const auto found = adapter.modules.find(path);
    if (found == adapter.modules.end())
      throw FormatError(
          format("checkpoint: '{}': module '{}': found nothing, expected its factors.",
                 folder.string(), path));
    const LowRank& low_rank = *linears_.at(path)->low_rank;
    copy_weight(low_rank.a_RI, found->second.a_RI, path + ".lora_A", folder);
    copy_weight(low_rank.b_OR, found->second.b_OR, path + ".lora_B", folder);
  }
}

void Trainable::read_model(const fs::path& folder) {
  const SafetensorsFile file(folder / "model.safetensors");
  for (const auto& parameter : parameters_) {
    if (!file.entries().count(parameter.name))
      throw FormatError(format("checkpoint: '{}': tensor '{}': found nothing, expected it.",
                               folder.string(), parameter.name));
    copy_weight(parameter.weight, file.tensor(parameter.name), parameter.name, folder);
  }
}

void write_companions(const Model& model, const fs::path& folder,
                      const ChatTemplate* chat_template) {
  copy_tokenizer_files(model.path, folder);
  if (!chat_template) return;
  record_chat_template(folder, chat_template->is_built_in() ? chat_template->name() : "",
                       chat_template->jinja_source());
  const auto end = model.tokenizer->id_of(chat_template->terminator());
  if (!end || !model.tokenizer->is_control(*end) || !fs::exists(folder / "config.json")) return;
  const Json generation = with_end_token(model.generation_config, model.config, *end);
  if (!generation.is_null())
    write_file_atomic(folder / "generation_config.json", generation.dump(2) + "\n");
}

}  // namespace sqpsych
