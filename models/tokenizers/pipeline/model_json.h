#pragma once

#include <memory>
#include <string>

#include "core/json.h"
#include "models/tokenizers/pipeline/pipeline_tokenizer.h"

namespace sqpsych::tokenizers {

/// The `model` of a tokenizer.json: its vocabulary goes into the table at once; the piece model is
/// made when it is known whether pieces come as byte letters.
class ModelFile {
 public:
  virtual ~ModelFile() = default;
  /// The text of the unknown token; empty when there is none.
  virtual std::string unknown() const = 0;
  virtual bool byte_fallback() const = 0;
  virtual bool ignore_merges() const { return false; }
  /// What GGUF files have no word for; empty when they can hold it.
  virtual std::string foreign() const { return ""; }
  /// True when pieces may come as bytes instead of byte letters.
  virtual bool can_take_bytes() const { return false; }
  virtual std::unique_ptr<PieceModel> make(bool takes_bytes) const = 0;
};

/// BPE and Unigram; FormatError names others.
std::unique_ptr<ModelFile> read_model(const Json& model, TokenTable& table,
                                      const std::string& where);

}  // namespace sqpsych::tokenizers
