#pragma once

#include <string>

#include "models/layers/features.h"
#include "models/weights/gguf_file.h"

namespace sqpsych {

/// Writes the features as keys "{architecture}.context_length" ... and rope tensors. What an
/// architecture implies (activation, norms, which layers have windows) has no key: the family
/// checks it before and restores it afterwards.
void write_gguf_features(const std::string& architecture, const DecoderFeatures& features,
                         GgufWriter& writer);

/// The same features back; biases, fused matrices, head norms and further norms from the tensors
/// that are there. A window is put on every layer. FormatError lists all problems.
DecoderFeatures features_from_gguf_keys(const GgufFile& file, const std::string& architecture);

/// FormatError saying that the GGUF architecture cannot express what is found, when `is_wrong`.
void refuse_in_gguf(const std::string& architecture, bool is_wrong, const std::string& found);

/// FormatError when heads do not add up to hidden_size: for architectures that derive head_dim.
void refuse_free_heads(const std::string& architecture, const DecoderFeatures& features);

/// 1/sqrt(head_dim), or 1/sqrt(hidden_size/num_heads) in a model of `deep` layers: what runtimes
/// take for architectures whose scale has no key (llama.cpp src/models/gemma2.cpp, gemma3.cpp).
double gguf_attention_scale(const DecoderFeatures& features, std::int64_t deep);
/// FormatError when the features have another scale than that.
void refuse_attention_scale(const std::string& architecture, const DecoderFeatures& features,
                            std::int64_t deep);

/// A warning that runtimes of this architecture see all earlier tokens where the model sees
/// `window`; the features without windows.
DecoderFeatures without_windows(const std::string& architecture, DecoderFeatures features);

}  // namespace sqpsych
