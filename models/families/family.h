#pragma once

#include <string>
#include <vector>

#include "core/error.h"
#include "core/json.h"
#include "models/layers/features.h"
#include "models/weights/gguf_file.h"

namespace sqpsych {

/// How a weight changes between the Hugging Face layout and GGUF (facts: llama.cpp converter).
enum class GgufTransform {
  kNone,
  kInterleaveQueryRows,  ///< rotate-half rows to adjacent pairs, per head, num_heads
  kInterleaveKeyRows,    ///< the same with num_kv_heads
};

/// One parameter in the three naming worlds.
struct TensorNames {
  std::string own;          ///< decoder parameter name
  std::string huggingface;  ///< e.g. model.layers.0.self_attn.q_proj.weight
  std::string gguf;         ///< e.g. blk.0.attn_q.weight
  GgufTransform transform = GgufTransform::kNone;
};

/// A model family: one file, no header. Translates a checkpoint's config into features and names.
class Family {
 public:
  virtual ~Family() = default;
  virtual std::string name() const = 0;  ///< config.json's model_type
  virtual std::vector<std::string> architectures() const = 0;
  virtual std::string gguf_architecture() const = 0;
  /// Adds every problem of the config to `problems`.
  virtual DecoderFeatures features(const Json& config, ProblemList& problems) const = 0;
  virtual std::vector<TensorNames> tensor_names(const DecoderFeatures& features) const = 0;
  /// config.json content for a new model of these features (no ids, no dtype).
  virtual Json config(const DecoderFeatures& features) const = 0;
  /// Hyper-parameter keys ({arch}.context_length ...) plus rope tensors, if any.
  virtual void write_gguf_keys(const DecoderFeatures& features, GgufWriter& writer) const = 0;
  virtual DecoderFeatures features_from_gguf(const GgufFile& file) const = 0;
};

std::vector<const Family*> families();
/// By model_type, else by architectures; FormatError lists the supported families.
const Family& family_of(const Json& config, const std::string& where);
const Family& family_of_gguf(const GgufFile& file);
const Family& family_by_name(const std::string& name);

/// Applies / undoes a transform on a [rows, ...] tensor (weight, bias or LoRA B).
at::Tensor to_gguf_layout(const at::Tensor& tensor, GgufTransform transform,
                          const DecoderFeatures& features);
at::Tensor from_gguf_layout(const at::Tensor& tensor, GgufTransform transform,
                            const DecoderFeatures& features);

}  // namespace sqpsych
