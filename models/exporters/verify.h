#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace sqpsych {

class GgufWriter;

/// One broken rule of a GGUF file.
struct GgufFinding {
  std::string rule;    ///< short stable name, e.g. "token-count", "key-type"
  std::string detail;  ///< found X, expected Y. Likely fix.
};

/// Every rule that stock llama.cpp's loader enforces for model and adapter files (README of this
/// folder lists them). Empty: the file is sound. Structural faults are findings too.
std::vector<GgufFinding> verify_gguf(const std::filesystem::path& file);

/// One line: architecture, tensors, types, size. The file must be sound.
std::string describe_gguf(const std::filesystem::path& file);

/// Writes beside `path`, verifies, then renames: a file with a finding never gets its name.
/// FormatError lists the findings.
void write_verified(const GgufWriter& writer, const std::filesystem::path& path);

}  // namespace sqpsych
