#pragma once

#include <ATen/ops/zeros.h>

#include <filesystem>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "models/weights/gguf_file.h"

namespace sqpsych::testing {

/// A file as lists that a test may change before it is written.
struct Draft {
  std::vector<std::pair<std::string, GgufValue>> keys;
  struct Entry {
    std::string name;
    std::vector<std::int64_t> shape;
    GgmlType type = GgmlType::kF32;
  };
  std::vector<Entry> tensors;

  void set(const std::string& key, GgufValue value) {
    for (auto& [name, old] : keys)
      if (name == key) {
        old = std::move(value);
        return;
      }
    keys.emplace_back(key, std::move(value));
  }
  void remove(const std::string& key) {
    std::erase_if(keys, [&](const auto& entry) { return entry.first == key; });
  }
  void remove_tensor(const std::string& name) {
    std::erase_if(tensors, [&](const auto& entry) { return entry.name == name; });
  }
  Entry& tensor(const std::string& name) {
    for (auto& entry : tensors)
      if (entry.name == name) return entry;
    throw std::runtime_error("no tensor " + name);
  }
  void write(const std::filesystem::path& path) const {
    GgufWriter writer;
    for (const auto& [key, value] : keys) writer.set(key, value);
    for (const auto& entry : tensors) writer.add(entry.name, at::zeros(entry.shape), entry.type);
    writer.write(path);
  }
};

}  // namespace sqpsych::testing
