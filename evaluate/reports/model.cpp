#include "core/json_lines.h"
#include "core/text.h"
#include "evaluate/reports/report.h"
#include "evaluate/reports/tally.h"
#include "models/exporters/verify.h"
#include "models/weights/gguf_file.h"

namespace sqpsych {
namespace {

void show_gguf(const std::filesystem::path& path, Page& page) {
  const auto findings = verify_gguf(path);
  page.figures(
      {{"size", bytes_text(std::filesystem::file_size(path))},
       {"verify", findings.empty() ? "sound" : format("{} broken rules", findings.size())}});
  Table faults{{"broken rule", "found and expected"}, {}};
  for (const auto& finding : findings) faults.rows.push_back({finding.rule, finding.detail});
  if (!faults.rows.empty()) page.table(faults);
  if (!findings.empty()) return;
  const GgufFile file(path);
  std::int64_t num_values = 0;
  for (const auto& tensor : file.tensors()) {
    std::int64_t size = 1;
    for (auto dimension : tensor.shape) size *= dimension;
    num_values += size;
  }
  page.table({{"", ""},
              {{"architecture",
                file.find("general.architecture") ? file.text("general.architecture") : ""},
               {"tensors", with_thousands(static_cast<std::int64_t>(file.tensors().size()))},
               {"parameters", with_thousands(num_values)}}});
}

void show_folder(const ReportSource& source, Page& page) {
  Table files{{"file", "size"}, {}};
  std::map<std::string, std::uint64_t> sizes;
  for (const auto& entry : std::filesystem::directory_iterator(source.path))
    if (entry.is_regular_file()) sizes[entry.path().filename().string()] = entry.file_size();
  for (const auto& [name, size] : sizes) files.rows.push_back({name, bytes_text(size)});
  page.table(files);
  for (const char* name : {"config.json", "adapter_config.json"})
    if (source.has(name)) page.folded_json(name, read_json(source.path / name));
}

class ModelReport : public Report {
 public:
  std::string name() const override { return "Model"; }
  std::string recognised_by() const override {
    return "*.gguf, config.json or adapter_config.json";
  }
  bool knows(const ReportSource& source) const override {
    return source.path.extension() == ".gguf" || source.has("adapter_config.json") ||
           (source.has("config.json") && !source.has("metrics.jsonl"));
  }

  void write(const ReportSource& source, const ReportSettings&, Page& page) const override {
    if (std::filesystem::is_directory(source.path))
      show_folder(source, page);
    else
      show_gguf(source.path, page);
  }
};

}  // namespace

const Report& model_report() {
  static const ModelReport report;
  return report;
}

}  // namespace sqpsych
