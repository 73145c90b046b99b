#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/files.h"
#include "models/model.h"

namespace sqpsych {

struct ExportRequest {
  std::filesystem::path model;  ///< Hugging Face folder
  std::optional<std::filesystem::path> adapter;
  std::string format;  ///< gguf | gguf-adapter | huggingface
  std::string type;    ///< F32, F16, BF16, Q8_0 (any case); empty: F16 for gguf, the base's for
                       ///< huggingface, F32 for gguf-adapter
  std::filesystem::path output;
  Existing existing = Existing::kRefuse;
  ModelOptions model_options;  ///< chat_template, tokenizer_split
};

/// One output format: one file, no header.
class Exporter {
 public:
  virtual ~Exporter() = default;
  virtual std::string name() const = 0;
  virtual std::vector<std::string> types() const = 0;
  virtual void write(const ExportRequest& request) const = 0;
};

std::vector<const Exporter*> exporters();
/// ConfigError lists formats or types when one is unknown. Writes request.output atomically.
void export_model(const ExportRequest& request);

}  // namespace sqpsych
