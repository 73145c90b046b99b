#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "models/exporters/exporter.h"
#include "models/families/family.h"
#include "models/stored_weights.h"
#include "models/tokenizers/tokenizer.h"
#include "models/weights/adapter_dir.h"
#include "models/weights/model_dir.h"

namespace sqpsych {

/// What every exporter reads: the base model, checked tensor by tensor against its family, with the
/// adapter (if any) applied on the fly.
class ExportSource {
 public:
  /// FormatError with one report of missing, extra and misshapen tensors and of adapter modules
  /// that do not fit; ConfigError for a model that is not a folder.
  explicit ExportSource(const ExportRequest& request);
  ExportSource(const ExportSource&) = delete;
  ExportSource& operator=(const ExportSource&) = delete;

  const ModelDir& folder() const { return folder_; }
  const Family& family() const { return family_; }
  /// config.json of the decoder alone, with its weights as tensor() gives them.
  Json config() const;
  const DecoderFeatures& features() const { return features_; }
  const std::vector<TensorNames>& names() const { return names_; }
  const std::optional<AdapterDir>& adapter() const { return adapter_; }
  std::vector<std::int64_t> shape(const TensorNames& names) const;
  at::ScalarType stored_type(const TensorNames& names) const;
  /// In Hugging Face layout: the stored tensor, or in fp32 with the adapter merged in.
  at::Tensor tensor(const TensorNames& names) const;
  std::int64_t parameter_count() const;
  /// What people call the model: the folder's name, or the repository's for a hub snapshot.
  std::string name() const;
  /// The folder's tokenizer; throws as load_tokenizer does.
  std::unique_ptr<Tokenizer> load_tokenizer() const;

 private:
  void check_adapter(ProblemList& problems) const;

  std::string tokenizer_split_;
  ModelDir folder_;
  const Family& family_;
  DecoderFeatures features_;
  std::vector<TensorNames> names_;
  StoredWeights weights_;
  std::optional<AdapterDir> adapter_;
};

}  // namespace sqpsych
