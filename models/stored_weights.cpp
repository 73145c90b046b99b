#include "models/stored_weights.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/isfinite.h>

#include <cmath>
#include <set>

#include "core/error.h"
#include "core/log.h"
#include "core/text.h"

namespace sqpsych {
namespace {

constexpr std::string_view kWeightSuffix = ".weight";

std::string shape_text(const std::vector<std::int64_t>& shape) {
  std::vector<std::string> sizes;
  for (const auto size : shape) sizes.push_back(std::to_string(size));
  return "[" + join(sizes, ", ") + "]";
}

/// Buffers that old checkpoints carry and every program computes by itself.
bool is_computed_buffer(const std::string& name) {
  return name.ends_with("rotary_emb.inv_freq") || name == "rope_freqs.weight";
}

bool all_finite(const at::Tensor& tensor) {
  // NaN and infinity survive a sum, which needs no second tensor; finite values may overflow it.
  return std::isfinite(tensor.sum().item<double>()) || at::isfinite(tensor).all().item<bool>();
}

void accept_either_tied_name(StoredWeights& weights, const std::string& head_name) {
  auto& embedding_name = weights.names.at("embedding.weight");
  const auto head = weights.tensors.find(head_name);
  if (head == weights.tensors.end()) return;
  const auto embedding = weights.tensors.find(embedding_name);
  if (embedding == weights.tensors.end()) {
    embedding_name = head_name;
    return;
  }
  if (embedding->second.shape != head->second.shape ||
      !at::equal(embedding->second.load(), head->second.load()))
    log_warning(format("{}: '{}' differs from '{}' although the config ties them; it is not used.",
                       weights.where, head_name, embedding_name));
  weights.tensors.erase(head);
}

void report_names(const Decoder& decoder, const StoredWeights& weights, ProblemList& problems) {
  std::vector<std::string> missing, extra;
  std::set<std::string> used;
  for (const auto& [own, shape] : parameter_shapes(decoder.features())) {
    const auto& name = weights.names.at(own);
    used.insert(name);
    if (!weights.tensors.count(name)) missing.push_back(name);
  }
  for (const auto& [name, tensor] : weights.tensors)
    if (!used.count(name) && !is_computed_buffer(name)) extra.push_back(name);
  if (!missing.empty())
    problems.add(
        format("missing tensors: found none of {}, expected all {}. Is the download complete?",
               quoted_list(missing), missing.size()));
  if (!extra.empty())
    problems.add(
        format("extra tensors: found {}, expected none of these {}. Does the config belong to "
               "these weights?",
               quoted_list(extra), extra.size()));
}

void check_factors(const std::string& path, const AdapterFactors& factors, const Linear& linear,
                   ProblemList& problems) {
  const auto check = [&](const char* half, const at::Tensor& factor,
                         std::vector<std::int64_t> expected) {
    if (factor.sizes() != at::IntArrayRef(expected))
      problems.add(
          format("{}.{}: found shape {}, expected {}. Was the adapter made for another model?",
                 path, half, shape_text(factor.sizes().vec()), shape_text(expected)));
    else if (!all_finite(factor))
      problems.add(format("{}.{}: found NaN or infinity, expected finite numbers.", path, half));
  };
  const auto rank = factors.a_RI.dim() == 2 ? factors.a_RI.size(0) : 0;
  check("lora_A", factors.a_RI, {rank, linear.weight_OI.size(1)});
  check("lora_B", factors.b_OR, {linear.weight_OI.size(0), rank});
}

}  // namespace

StoredWeights stored_weights(const ModelDir& folder, const Family& family,
                             const DecoderFeatures& features) {
  static const std::set<std::string> kFloating = {"F64", "F32", "F16", "BF16"};
  StoredWeights weights{folder.folder().string(), {}, {}};
  for (const auto& name : folder.tensor_names()) {
    const auto& entry = folder.entry(name);
    weights.tensors[name] = {entry.shape, kFloating.count(entry.dtype) > 0,
                             [&folder, name] { return folder.tensor(name); }};
  }
  for (const auto& names : family.tensor_names(features))
    weights.names[names.own] = names.huggingface;
  if (features.tied_embeddings) {
    auto untied = features;
    untied.tied_embeddings = false;
    for (const auto& names : family.tensor_names(untied))
      if (names.own == "head.weight") accept_either_tied_name(weights, names.huggingface);
  }
  return weights;
}

StoredWeights stored_weights(const GgufFile& file, const Family& family,
                             const DecoderFeatures& features) {
  StoredWeights weights{file.path().string(), {}, {}};
  std::map<std::string, GgufTransform> transforms;
  for (const auto& names : family.tensor_names(features)) {
    weights.names[names.own] = names.gguf;
    transforms[names.gguf] = names.transform;
  }
  for (const auto& entry : file.tensors()) {
    const auto transform =
        transforms.count(entry.name) ? transforms[entry.name] : GgufTransform::kNone;
    weights.tensors[entry.name] = {entry.shape, true, [&file, &entry, transform, features] {
                                     return from_gguf_layout(file.tensor(entry), transform,
                                                             features);
                                   }};
  }
  return weights;
}

void fill_decoder(Decoder& decoder, const StoredWeights& weights) {
  ProblemList problems;
  report_names(decoder, weights, problems);
  for (const auto& [own, parameter] : decoder.parameters()) {
    const auto& name = weights.names.at(own);
    const auto stored = weights.tensors.find(name);
    if (stored == weights.tensors.end()) continue;
    const auto expected = parameter->sizes().vec();
    if (stored->second.shape != expected) {
      problems.add(
          format("tensor '{}': found shape {}, expected {}. Is the config of another size?", name,
                 shape_text(stored->second.shape), shape_text(expected)));
    } else if (!stored->second.is_floating) {
      problems.add(format(
          "tensor '{}': found whole numbers, expected F32, F16 or BF16. Use the unquantised model.",
          name));
    } else if (problems.empty()) {
      parameter->copy_(stored->second.load());
      if (!all_finite(*parameter))
        problems.add(format(
            "tensor '{}': found NaN or infinity, expected finite numbers. The weights are damaged.",
            name));
    }
  }
  problems.throw_if_any<FormatError>(weights.where);
}

void attach_adapter(Decoder& decoder, const Family& family, const AdapterDir& adapter) {
  std::map<std::string, Linear*> linears;
  for (const auto& [own, linear] : decoder.linears())
    linears[own + std::string(kWeightSuffix)] = linear;
  std::map<std::string, Linear*> modules;
  for (const auto& names : family.tensor_names(decoder.features()))
    if (linears.count(names.own))
      modules[names.huggingface.substr(0, names.huggingface.size() - kWeightSuffix.size())] =
          linears[names.own];

  ProblemList problems;
  for (const auto& [path, factors] : adapter.modules) {
    if (const auto found = modules.find(path); found != modules.end())
      check_factors(path, factors, *found->second, problems);
    else
      problems.add(format(
          "module '{}': found factors for it, expected only linear layers that the model has{}.",
          path, decoder.features().tied_embeddings ? " (its head is tied to the embedding)" : ""));
  }
  problems.throw_if_any<FormatError>(adapter.folder.string());
  for (const auto& [path, factors] : adapter.modules) {
    const auto fp32 = [&](const at::Tensor& factor) {
      return factor.to(decoder.device(), at::kFloat, /*non_blocking=*/false, /*copy=*/true)
          .contiguous();
    };
    modules.at(path)->low_rank = LowRank{fp32(factors.a_RI), fp32(factors.b_OR), factors.scale, 0};
  }
}

}  // namespace sqpsych
