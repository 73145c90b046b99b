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
  bool check_only = false;     ///< validate and plan, write nothing
};

/// What was written, or would be.
struct ExportSummary {
  std::size_t tensors = 0;
  std::uint64_t size_bytes = 0;  ///< of the tensors
};

/// One output format: one file, no header.
class Exporter {
 public:
  virtual ~Exporter() = default;
  virtual std::string name() const = 0;
  virtual std::vector<std::string> types() const = 0;
  /// Whether the output is a folder; else it is one file.
  virtual bool writes_folder() const = 0;
  /// Writes `request.output` atomically; `request.type` is empty or one of types().
  virtual ExportSummary write(const ExportRequest& request) const = 0;
};

std::vector<const Exporter*> exporters();
/// ConfigError lists formats or types when one is unknown, and refuses an output that exists or
/// holds the model; ResourceError when the disk has too little room. Writes request.output
/// atomically; a GGUF file has passed verify_gguf before it
/// gets its name.
ExportSummary export_model(const ExportRequest& request);

}  // namespace sqpsych
