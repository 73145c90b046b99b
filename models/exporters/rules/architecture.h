#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sqpsych {

/// A size that a tensor's shape is made of.
enum class GgufSize {
  kEmbedding,    ///< embedding_length
  kTokens,       ///< entries of tokenizer.ggml.tokens
  kQuery,        ///< head_count * key_length
  kKey,          ///< head_count_kv * key_length
  kValue,        ///< head_count_kv * value_length
  kHead,         ///< key_length
  kOutput,       ///< head_count * value_length
  kFeedForward,  ///< feed_forward_length
  kTwoFeedForward,
  kQueryKeyValue,
  kHalfRope,           ///< rope.dimension_count / 2
  kHeads,              ///< head_count
  kKeyHeads,           ///< head_count_kv
  kExperts,            ///< expert_count
  kExpertFeedForward,  ///< expert_feed_forward_length, else feed_forward_length
};

/// Which files of an architecture a rule is for: expert_count 0, above 0, or either.
enum class GgufExpertRule { kAlways, kDense, kMixture };

/// One tensor that an architecture asks for, shape in PyTorch order.
struct GgufTensorRule {
  std::string name;  ///< e.g. "attn_q.weight"; behind `blk.N.` when per layer
  bool per_layer = true;
  bool required = true;
  std::vector<GgufSize> shape;
  GgufExpertRule experts = GgufExpertRule::kAlways;
  std::int64_t min_layers = 0;  ///< in files with fewer layers the tensor must not be
};

/// What llama.cpp's loader asks of one general.architecture (src/llama-model.cpp).
struct GgufArchitecture {
  std::string name;
  std::vector<GgufTensorRule> tensors;
  /// rope.dimension_count must be the head's size.
  bool rotates_whole_head = false;
  /// key_length must be embedding_length / head_count.
  bool derives_head_size = false;
  GgufExpertRule experts = GgufExpertRule::kDense;  ///< kAlways: with experts or without
  bool uses_layer_norm = false;  ///< layer_norm_epsilon instead of layer_norm_rms_epsilon
  bool needs_logit_scale = false;
  bool needs_window = false;
};

const std::vector<GgufArchitecture>& gguf_architectures();
/// Null for one that is not in the list.
const GgufArchitecture* gguf_architecture(const std::string& name);
std::vector<std::string> gguf_architecture_names();

/// Where general.name asks for the tokenizer quirks of a published model ("phi-3" or "phi3" in any
/// case: src/llama-vocab.cpp): the place of that name. npos: nowhere.
std::size_t find_quirky_name(const std::string& general_name);
/// Tokens that the quirks look up, and without which loading fails: those missing here.
std::vector<std::string> tokens_missing_for_quirks(const std::vector<std::string>& tokens);

}  // namespace sqpsych
