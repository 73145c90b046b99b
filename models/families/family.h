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
  kAddOne,               ///< norms that multiply by 1 + weight; in fp32
};

/// One parameter in the three naming worlds.
struct TensorNames {
  std::string own;          ///< decoder parameter name
  std::string huggingface;  ///< e.g. model.layers.0.self_attn.q_proj.weight
  std::string gguf;         ///< e.g. blk.0.attn_q.weight
  GgufTransform transform = GgufTransform::kNone;
  std::int64_t gguf_slice = -1;  ///< index in a GGUF tensor that stacks several; -1: all of it
};

/// A model family: one file, no header. Translates a checkpoint's config into features and names.
class Family {
 public:
  virtual ~Family() = default;
  virtual std::string name() const = 0;  ///< what `--family` takes
  /// Values of config.json's model_type.
  virtual std::vector<std::string> model_types() const { return {name()}; }
  virtual std::vector<std::string> architectures() const = 0;
  virtual std::string gguf_architecture() const = 0;

  /// The config of the decoder alone: the document itself, or made of a wrapper's text_config.
  virtual Json text_config(const Json& config) const { return config; }
  /// A checkpoint's tensor or module name as tensor_names() spells it; empty when it belongs to
  /// another part of a wrapper (vision).
  virtual std::string canonical_name(const std::string& stored) const { return stored; }
  /// Adds every problem of the config to `problems`.
  virtual DecoderFeatures features(const Json& config, ProblemList& problems) const = 0;
  virtual std::vector<TensorNames> tensor_names(const DecoderFeatures& features) const;
  /// config.json content for a new model of these features (no ids, no dtype).
  virtual Json config(const DecoderFeatures& features) const = 0;
  /// Adds to plain sizes what every model of the family has: norms, windows, caps ...
  virtual void complete(DecoderFeatures&) const {}

  /// Whether a head of its own can exist beside the embedding.
  virtual bool may_untie() const { return true; }

  /// Whether the file is one of this family; its architecture by default.
  virtual bool reads_gguf(const GgufFile& file) const;
  /// Hyper-parameter keys ({arch}.context_length ...) plus rope tensors, if any. FormatError when
  /// the architecture cannot express a feature; windows it does not know are left out with a
  /// warning.
  virtual void write_gguf_keys(const DecoderFeatures& features, GgufWriter& writer) const;
  virtual DecoderFeatures features_from_gguf(const GgufFile& file) const;
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
