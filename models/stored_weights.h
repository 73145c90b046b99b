#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "models/families/family.h"
#include "models/layers/decoder.h"
#include "models/weights/adapter_dir.h"
#include "models/weights/gguf_file.h"
#include "models/weights/model_dir.h"

namespace sqpsych {

/// One tensor of a checkpoint, whatever file it lies in.
struct StoredTensor {
  std::vector<std::int64_t> shape;      ///< PyTorch order
  std::string dtype;                    ///< as a safetensors file names it; empty for GGUF
  bool is_floating = true;              ///< once loaded
  std::function<at::Tensor()> load;     ///< in the decoder's layout
  std::vector<std::string_view> bytes;  ///< what `load` reads of the mapped file
};

/// Everything a checkpoint holds of the decoder, by the family's names, and the name of each own
/// one. A GGUF tensor that stacks several is as many entries, "NAME[i]".
struct StoredWeights {
  std::string where;
  std::map<std::string, StoredTensor> tensors;
  std::map<std::string, std::string> names;  ///< own name -> name in the file
};

/// Features of a folder. Where the config ties head and embedding but the weights hold a head that
/// differs (a head trained on its own), the head is untied; FormatError lists the config's
/// problems.
DecoderFeatures features_of_folder(const ModelDir& folder, const Family& family);

/// A folder with tied embeddings may call them either name (embedding or head). fp8 matrices with
/// block scales are dequantised as they are loaded. `folder` must outlive the result.
StoredWeights stored_weights(const ModelDir& folder, const Family& family,
                             const DecoderFeatures& features);
StoredWeights stored_weights(const GgufFile& file, const Family& family,
                             const DecoderFeatures& features);

/// Adds what keeps these weights from being a decoder of these features: all missing and all extra
/// tensors, every wrong shape and type. Reads no values.
void check_tensors(const StoredWeights& weights, const DecoderFeatures& features,
                   ProblemList& problems);

/// Gives the decoder its parameters: those of its dtype and device lie in the mapped file from then
/// on (a change stays private to this process), others are converted once. FormatError with
/// ONE report of what check_tensors finds, or of all NaN and infinite tensors.
void fill_decoder(Decoder& decoder, const StoredWeights& weights);

/// Attaches the adapter's factors (fp32) to the decoder's linear layers. FormatError with one
/// report of all modules that the model has not and all misshapen or non-finite factors.
void attach_adapter(Decoder& decoder, const Family& family, const AdapterDir& adapter);

}  // namespace sqpsych
