#include "models/exporters/export_source.h"

#include "core/error.h"
#include "core/text.h"
#include "models/weights/merge.h"

namespace fs = std::filesystem;

namespace sqpsych {
namespace {

const fs::path& require_folder(const fs::path& model) {
  if (fs::is_regular_file(model))
    throw ConfigError(
        format("export: --model: found the file '{}', expected a Hugging Face folder. "
               "Export from the folder that the file was made of.",
               model.string()));
  return model;
}

}  // namespace

ExportSource::ExportSource(const ExportRequest& request)
    : tokenizer_split_(request.model_options.tokenizer_split),
      folder_(require_folder(request.model)),
      family_(family_of(folder_.config(), (request.model / "config.json").string())),
      features_(features_of_folder(folder_, family_)),
      names_(family_.tensor_names(features_)),
      weights_(stored_weights(folder_, family_, features_)) {
  ProblemList problems;
  check_tensors(weights_, features_, problems);
  problems.throw_if_any<FormatError>(request.model.string());
  if (!request.adapter) return;
  adapter_ = read_adapter_dir(*request.adapter);
  std::map<std::string, AdapterFactors> modules;
  for (auto& [module, factors] : adapter_->modules)
    modules[family_.canonical_name(module)] = std::move(factors);
  adapter_->modules = std::move(modules);
  check_adapter(problems);
  problems.throw_if_any<FormatError>(request.adapter->string());
}

void ExportSource::check_adapter(ProblemList& problems) const {
  std::map<std::string, std::vector<std::int64_t>> shapes;
  for (const auto& names : names_)
    if (const auto known = shape(names); known.size() == 2)
      shapes[module_of_weight(names.huggingface)] = known;
  for (const auto& [module, factors] : adapter_->modules) {
    const auto found = shapes.find(module);
    if (found == shapes.end()) {
      problems.add(format(
          "module '{}': found factors for it, expected a linear layer of the base "
          "model{}",
          module,
          features_.tied_embeddings ? " (its head is tied to the embedding: train without it)"
                                    : ""));
      continue;
    }
    const std::vector<std::int64_t> implied = {factors.b_OR.size(0), factors.a_RI.size(1)};
    if (implied != found->second)
      problems.add(
          format("module '{}': found factors for [{}], expected [{}]. The adapter belongs "
                 "to another base model",
                 module, number_list(implied), number_list(found->second)));
  }
}

std::vector<std::int64_t> ExportSource::shape(const TensorNames& names) const {
  return weights_.tensors.at(weights_.names.at(names.own)).shape;
}

at::ScalarType ExportSource::stored_type(const TensorNames& names) const {
  return weights_.tensors.at(weights_.names.at(names.own)).load().scalar_type();
}

Json ExportSource::config() const {
  auto config = family_.text_config(folder_.config());
  config["tie_word_embeddings"] = features_.tied_embeddings;
  config.erase("quantization_config");
  return config;
}

at::Tensor ExportSource::tensor(const TensorNames& names) const {
  const auto stored = weights_.tensors.at(weights_.names.at(names.own)).load();
  if (!adapter_) return stored;
  const auto module = module_of_weight(names.huggingface);
  const auto factors = adapter_->modules.find(module);
  if (factors == adapter_->modules.end() || stored.dim() != 2) return stored;
  return merge_low_rank(stored, factors->second, module);
}

std::int64_t ExportSource::parameter_count() const {
  std::int64_t sum = 0;
  for (const auto& names : names_) {
    std::int64_t product = 1;
    for (auto size : shape(names)) product *= size;
    sum += product;
  }
  return sum;
}

std::string ExportSource::name() const { return model_name(folder_.folder()); }

std::unique_ptr<Tokenizer> ExportSource::load_tokenizer() const {
  return sqpsych::load_tokenizer(folder_.folder(), {tokenizer_split_});
}

}  // namespace sqpsych
