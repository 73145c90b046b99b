#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/json.h"

namespace sqpsych {

/// Typed look-ups in a config.json that collect every problem instead of stopping at the first.
/// null counts as absent.
class ConfigReader {
 public:
  ConfigReader(const Json& config, ProblemList& problems) : config_(config), problems_(problems) {}

  const Json* find(const char* key) const;
  /// Whether the key is there, null or not.
  bool has(const char* key) const { return config_.contains(key); }
  /// A whole number in [minimum, maximum]; absent without a default is a problem. The returned
  /// value is always within the bounds, so that the caller may go on.
  std::int64_t integer(const char* key, std::optional<std::int64_t> absent, std::int64_t minimum,
                       std::int64_t maximum) const;
  double number(const char* key, std::optional<double> absent) const;
  bool flag(const char* key, bool absent) const;
  std::string text(const char* key, const std::string& absent) const;
  /// A list; empty when absent.
  std::vector<double> positive_numbers(const char* key) const;
  std::vector<std::string> texts(const char* key) const;
  void problem(const std::string& text) const { problems_.add(text); }

 private:
  const Json& config_;
  ProblemList& problems_;
};

}  // namespace sqpsych
