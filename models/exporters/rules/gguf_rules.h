#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "models/exporters/rules/architecture.h"
#include "models/exporters/verify.h"
#include "models/weights/gguf_file.h"

namespace sqpsych {

/// The file under examination and what was found so far.
class GgufExamination {
 public:
  explicit GgufExamination(const GgufFile& examined) : file(examined) {}
  const GgufFile& file;
  void add(std::string rule, std::string detail) {
    findings_.push_back({std::move(rule), std::move(detail)});
  }
  bool has_finding(const std::string& rule) const {
    return std::any_of(findings_.begin(), findings_.end(),
                       [&](const auto& finding) { return finding.rule == rule; });
  }
  const std::vector<GgufFinding>& findings() const { return findings_; }

  /// The value when it is there with exactly this type. Another type is a `key-type` finding.
  template <class T>
  const T* value(const std::string& key) {
    const auto* found = file.find(key);
    if (!found) return nullptr;
    const auto* typed = std::get_if<T>(found);
    if (!typed) add_type_finding(key, *found, GgufValue(std::in_place_type<T>));
    return typed;
  }
  /// The same; absence is a `key-missing` finding.
  template <class T>
  const T* required(const std::string& key) {
    if (!file.find(key)) add_missing_finding(key);
    return value<T>(key);
  }

 private:
  void add_type_finding(const std::string& key, const GgufValue& found, const GgufValue& expected);
  void add_missing_finding(const std::string& key);
  std::vector<GgufFinding> findings_;
};

/// Hyper-parameters as the tensors' shapes need them; one entry per layer where files may differ.
struct GgufHyperparameters {
  std::int64_t layers = 0;
  std::int64_t embedding = 0;
  std::int64_t key_length = 0;
  std::int64_t value_length = 0;
  std::int64_t rope_dimensions = 0;
  std::int64_t experts = 0;
  std::int64_t expert_feed_forward = 0;  ///< 0: as feed_forward
  std::vector<std::int64_t> heads;
  std::vector<std::int64_t> kv_heads;
  std::vector<std::int64_t> feed_forward;
};

/// The steps of verify_gguf, in their order (README of models/exporters lists the rules).
const GgufArchitecture* check_architecture(GgufExamination& examination);
void check_general_keys(GgufExamination& examination);
void check_contents(GgufExamination& examination);
/// Empty when a missing or wrong key leaves the shapes unknown.
std::optional<GgufHyperparameters> check_hyperparameters(GgufExamination& examination,
                                                         const GgufArchitecture& architecture);
/// Number of tokens; empty when the file has no usable list.
std::optional<std::int64_t> check_tokenizer(GgufExamination& examination);
void check_tensors(GgufExamination& examination, const GgufArchitecture& architecture,
                   const GgufHyperparameters& sizes, std::optional<std::int64_t> tokens);
void check_adapter(GgufExamination& examination, const GgufArchitecture& architecture);

}  // namespace sqpsych
