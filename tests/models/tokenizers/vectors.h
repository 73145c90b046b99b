#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/files.h"
#include "core/text.h"
#include "models/tokenized_row.h"

namespace sqpsych::testing {

struct Vector {
  std::string text;
  std::vector<TokenId> ids;
};

/// The cases of llama.cpp's test-tokenizer-0: texts separated by a line, one line of ids each.
inline std::vector<Vector> read_vectors(const std::filesystem::path& folder,
                                        const std::string& name) {
  auto texts = split(read_file(folder / (name + ".gguf.inp")), "\n__ggml_vocab_test__\n");
  texts.pop_back();  // behind the last separator
  const auto lines = split(read_file(folder / (name + ".gguf.out")), "\n");
  std::vector<Vector> vectors;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    Vector vector{texts[i], {}};
    for (const auto& id : split(lines.at(i), " "))
      if (!id.empty()) vector.ids.push_back(static_cast<TokenId>(std::stol(id)));
    vectors.push_back(std::move(vector));
  }
  return vectors;
}

}  // namespace sqpsych::testing
