#include "models/exporters/verify.h"

#include <map>

#include "core/error.h"
#include "core/files.h"
#include "core/text.h"
#include "models/codecs/codec.h"
#include "models/exporters/rules/gguf_rules.h"
#include "models/weights/gguf_file.h"
#include "models/weights/gguf_parser.h"

namespace fs = std::filesystem;

namespace sqpsych {
namespace {

std::vector<GgufFinding> structural_findings(const fs::path& path) {
  const MappedFile file(path);
  std::vector<GgufFinding> findings;
  for (const auto& fault : parse_gguf(file.text()).faults)
    findings.push_back({fault.rule, fault.detail});
  return findings;
}

}  // namespace

std::vector<GgufFinding> verify_gguf(const fs::path& path) {
  auto findings = structural_findings(path);
  if (!findings.empty()) return findings;
  const GgufFile file(path);
  GgufExamination examination(file);
  const auto* architecture = check_architecture(examination);
  check_general_keys(examination);
  check_contents(examination);
  const auto* type = file.find_as<std::string>("general.type");
  if (type && *type == "adapter") {
    if (architecture) check_adapter(examination, *architecture);
    return examination.findings();
  }
  if (type && *type != "model")
    examination.add("general-type",
                    format("general.type: found '{}', expected 'model' or 'adapter'", *type));
  const auto tokens = check_tokenizer(examination);
  if (architecture)
    if (const auto sizes = check_hyperparameters(examination, *architecture))
      check_tensors(examination, *architecture, *sizes, tokens);
  return examination.findings();
}

std::string describe_gguf(const fs::path& path) {
  const GgufFile file(path);
  std::map<std::string, std::size_t> types;
  for (const auto& tensor : file.tensors()) ++types[ggml_layout(tensor.type)->name];
  std::vector<std::string> counts;
  for (const auto& [name, count] : types) counts.push_back(format("{} {}", count, name));
  const auto* kind = file.find_as<std::string>("general.type");
  const auto* name = file.find_as<std::string>("general.name");
  return format("{}: sound: {} {}{}, {} tensors ({}), {}", path.string(),
                file.text("general.architecture"), kind ? *kind : "model",
                name ? " '" + *name + "'" : "", file.tensors().size(), join(counts, ", "),
                bytes_text(fs::file_size(path)));
}

void write_verified(const GgufWriter& writer, const fs::path& path) {
  auto unverified = path;
  unverified += ".unverified";
  if (path.has_parent_path()) fs::create_directories(path.parent_path());
  writer.write(unverified);
  ProblemList problems;
  for (const auto& finding : verify_gguf(unverified))
    problems.add(format("{}: {}.", finding.rule, finding.detail));
  if (problems.empty()) return fs::rename(unverified, path);
  fs::remove(unverified);
  problems.throw_if_any<FormatError>("export: the file would not load");
}

}  // namespace sqpsych
