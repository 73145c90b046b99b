#include "models/stored_weights.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/equal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <functional>
#include <set>

#include "core/error.h"
#include "core/interrupt.h"
#include "core/log.h"
#include "core/text.h"
#include "models/weights/block_scaled.h"
#include "models/weights/finite.h"

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
  return name.ends_with("rotary_emb.inv_freq") || name == "rope_freqs.weight" ||
         name == "rope_factors_long.weight" || name == "rope_factors_short.weight";
}

/// Without a copy where the file's bytes already are what the decoder holds: the parameter then
/// lies in the mapped file.
void take(at::Tensor& parameter, const at::Tensor& loaded) {
  const bool fits = loaded.scalar_type() == parameter.scalar_type() &&
                    loaded.device() == parameter.device() && loaded.is_contiguous();
  if (fits)
    parameter = loaded;
  else
    parameter.copy_(loaded);
}

/// Lets go of a mapped file's pages that lie within `bytes`, so that converting a model needs no
/// room for both forms. Only for pages that nothing has changed: they are read again when needed.
void forget_pages(std::string_view bytes) {
  static const auto page_bytes = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
  const auto first = reinterpret_cast<std::uintptr_t>(bytes.data());
  const auto begin = (first + page_bytes - 1) / page_bytes * page_bytes;
  const auto end = (first + bytes.size()) / page_bytes * page_bytes;
  if (begin < end) madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
}

bool lies_in(const at::Tensor& tensor, std::string_view bytes) {
  const auto* data = static_cast<const char*>(tensor.const_data_ptr());
  return std::less_equal<>()(bytes.data(), data) &&
         std::less<>()(data, bytes.data() + bytes.size());
}

constexpr const char* kOwnEmbedding = "embedding.weight";
constexpr const char* kOwnHead = "head.weight";

/// The family's names of embedding and head, tied or not.
std::pair<std::string, std::string> embedding_and_head(const Family& family,
                                                       DecoderFeatures features) {
  features.tied_embeddings = false;
  std::pair<std::string, std::string> found;
  for (const auto& names : family.tensor_names(features)) {
    if (names.own == kOwnEmbedding) found.first = names.huggingface;
    if (names.own == kOwnHead) found.second = names.huggingface;
  }
  return found;
}

/// Stored tensors by the family's names; what belongs to another part of a wrapper is left out.
std::map<std::string, std::string> canonical_names(const ModelDir& folder, const Family& family) {
  std::map<std::string, std::string> names;
  std::size_t others = 0;
  for (const auto& stored : folder.tensor_names()) {
    const auto name = family.canonical_name(stored);
    if (name.empty())
      ++others;
    else
      names[name] = stored;
  }
  if (others > 0)
    log_info(format("{}: {} tensors of other parts than the language model are left out.",
                    folder.folder().string(), others));
  return names;
}

void accept_either_tied_name(StoredWeights& weights, const std::string& head_name) {
  auto& embedding_name = weights.names.at(kOwnEmbedding);
  const auto head = weights.tensors.find(head_name);
  if (head == weights.tensors.end()) return;
  if (!weights.tensors.count(embedding_name))
    embedding_name = head_name;
  else
    weights.tensors.erase(head);
}

/// Replaces fp8 matrices by their products with the block scales beside them.
void apply_block_scales(const ModelDir& folder, const Family& family,
                        const std::map<std::string, std::string>& stored, StoredWeights& weights) {
  const auto config = family.text_config(folder.config());
  const auto quantisation = config.find("quantization_config");
  if (quantisation == config.end() || !quantisation->is_object()) return;
  const auto sizes = quantisation->value("weight_block_size", Json());
  if (!sizes.is_array() || sizes.size() != 2 || !sizes[0].is_number_integer() ||
      !sizes[1].is_number_integer())
    return;
  const auto rows = sizes[0].get<std::int64_t>();
  const auto columns = sizes[1].get<std::int64_t>();
  for (const auto& [name, stored_name] : stored) {
    const auto scale_name = block_scale_name(name);
    const auto scale = stored.find(scale_name);
    if (scale == stored.end()) continue;
    auto& tensor = weights.tensors.at(name);
    tensor.is_floating = true;
    tensor.load = [&folder, rows, columns, weight = stored_name, scales = scale->second] {
      return dequantise_blocks(folder.tensor(weight), folder.tensor(scales), rows, columns, weight);
    };
    tensor.bytes.push_back(folder.bytes(scale->second));
    weights.tensors.erase(scale_name);
  }
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

DecoderFeatures features_of_folder(const ModelDir& folder, const Family& family) {
  ProblemList problems;
  auto features = family.features(family.text_config(folder.config()), problems);
  problems.throw_if_any<FormatError>((folder.folder() / "config.json").string());
  if (!features.tied_embeddings) return features;
  const auto [embedding, head] = embedding_and_head(family, features);
  const auto stored = canonical_names(folder, family);
  if (!stored.count(embedding) || !stored.count(head)) return features;
  const auto embedding_VE = folder.tensor(stored.at(embedding));
  const auto head_VE = folder.tensor(stored.at(head));
  if (embedding_VE.sizes() == head_VE.sizes() && at::equal(embedding_VE, head_VE)) return features;
  features.tied_embeddings = !family.may_untie();
  log_warning(format("{}: '{}' differs from '{}' although the config ties them; {}.",
                     folder.folder().string(), head, embedding,
                     features.tied_embeddings ? "it is not used" : "it is used as it is"));
  return features;
}

StoredWeights stored_weights(const ModelDir& folder, const Family& family,
                             const DecoderFeatures& features) {
  static const std::set<std::string> kFloating = {"F64", "F32", "F16", "BF16"};
  StoredWeights weights{folder.folder().string(), {}, {}};
  const auto stored = canonical_names(folder, family);
  for (const auto& [name, stored_name] : stored) {
    const auto& entry = folder.entry(stored_name);
    weights.tensors[name] = {entry.shape,
                             entry.dtype,
                             kFloating.count(entry.dtype) > 0,
                             [&folder, source = stored_name] { return folder.tensor(source); },
                             {folder.bytes(stored_name)}};
  }
  apply_block_scales(folder, family, stored, weights);
  for (const auto& names : family.tensor_names(features))
    weights.names[names.own] = names.huggingface;
  if (features.tied_embeddings)
    accept_either_tied_name(weights, embedding_and_head(family, features).second);
  return weights;
}

namespace {

/// One of the `count` equal parts of a stacked tensor.
GgufTensor slice_of(const GgufTensor& stacked, std::int64_t index) {
  auto slice = stacked;
  slice.size_bytes = stacked.size_bytes / static_cast<std::uint64_t>(stacked.shape[0]);
  slice.offset = stacked.offset + static_cast<std::uint64_t>(index) * slice.size_bytes;
  slice.shape.erase(slice.shape.begin());
  return slice;
}

}  // namespace

StoredWeights stored_weights(const GgufFile& file, const Family& family,
                             const DecoderFeatures& features) {
  StoredWeights weights{file.path().string(), {}, {}};
  std::map<std::string, GgufTransform> transforms;
  std::set<std::string> stacked;
  for (const auto& names : family.tensor_names(features)) {
    const bool is_slice = names.gguf_slice >= 0;
    weights.names[names.own] =
        is_slice ? format("{}[{}]", names.gguf, names.gguf_slice) : names.gguf;
    transforms[names.gguf] = names.transform;
    if (is_slice) stacked.insert(names.gguf);
  }
  const auto add = [&](const std::string& name, const GgufTensor& entry, GgufTransform transform) {
    weights.tensors[name] = {
        entry.shape,
        "",
        true,
        [&file, entry, transform, features] {
          return from_gguf_layout(file.tensor(entry), transform, features);
        },
        {{reinterpret_cast<const char*>(file.bytes(entry)), entry.size_bytes}}};
  };
  for (const auto& entry : file.tensors()) {
    const auto transform =
        transforms.count(entry.name) ? transforms[entry.name] : GgufTransform::kNone;
    // Another number of parts than the model has experts is a wrong shape, whatever its size.
    if (!stacked.count(entry.name) || entry.shape.size() != 3 ||
        entry.shape[0] != features.experts.count)
      add(entry.name, entry, transform);
    else
      for (std::int64_t i = 0; i < entry.shape[0]; ++i)
        add(format("{}[{}]", entry.name, i), slice_of(entry, i), transform);
  }
  return weights;
}

void check_tensors(const StoredWeights& weights, const DecoderFeatures& features,
                   ProblemList& problems) {
  std::vector<std::string> missing, extra;
  std::set<std::string> used;
  for (const auto& [own, expected] : parameter_shapes(features)) {
    const auto& name = weights.names.at(own);
    used.insert(name);
    const auto stored = weights.tensors.find(name);
    if (stored == weights.tensors.end())
      missing.push_back(name);
    else if (stored->second.shape != expected)
      problems.add(
          format("tensor '{}': found shape {}, expected {}. Is the config of another size?", name,
                 shape_text(stored->second.shape), shape_text(expected)));
    else if (!stored->second.is_floating)
      problems.add(
          format("tensor '{}': found {}, expected F32, F16 or BF16. Use the unquantised model.",
                 name, stored->second.dtype));
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

void fill_decoder(Decoder& decoder, const StoredWeights& weights) {
  ProblemList problems;
  check_tensors(weights, decoder.features(), problems);
  problems.throw_if_any<FormatError>(weights.where);
  for (const auto& [own, parameter] : decoder.parameters()) {
    if (parameter->is_meta()) continue;
    throw_if_interrupted("model");
    const auto& name = weights.names.at(own);
    const auto& stored = weights.tensors.at(name);
    take(*parameter, stored.load());
    for (const auto bytes : stored.bytes)
      if (!lies_in(*parameter, bytes)) forget_pages(bytes);
    if (!all_finite(*parameter))
      problems.add(format(
          "tensor '{}': found NaN or infinity, expected finite numbers. The weights are damaged.",
          name));
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
    if (const auto found = modules.find(family.canonical_name(path)); found != modules.end())
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
    modules.at(family.canonical_name(path))->low_rank =
        LowRank{fp32(factors.a_RI), fp32(factors.b_OR), factors.scale, 0};
  }
}

}  // namespace sqpsych
