#include "models/exporters/exporter.h"

#include "core/error.h"
#include "core/text.h"

namespace fs = std::filesystem;

namespace sqpsych {

const Exporter& gguf_exporter();
const Exporter& gguf_adapter_exporter();
const Exporter& huggingface_exporter();

std::vector<const Exporter*> exporters() {
  return {&gguf_exporter(), &gguf_adapter_exporter(), &huggingface_exporter()};
}

namespace {

const Exporter& exporter_by_name(const std::string& name) {
  std::vector<std::string> known;
  for (const auto* exporter : exporters()) {
    if (exporter->name() == name) return *exporter;
    known.push_back(exporter->name());
  }
  throw ConfigError(
      format("export: --format: found '{}', expected one of {}.", name, quoted_list(known)));
}

/// The type as the exporter spells it; empty stays empty (the exporter's own choice).
std::string known_type(const Exporter& exporter, const std::string& type) {
  if (type.empty()) return type;
  for (const auto& known : exporter.types())
    if (to_lower_ascii(known) == to_lower_ascii(type)) return known;
  throw ConfigError(format("export: --type: found '{}', expected one of {} for --format {}.", type,
                           quoted_list(exporter.types()), exporter.name()));
}

void check_output(const ExportRequest& request, bool writes_folder) {
  if (!writes_folder && fs::is_directory(request.output))
    throw ConfigError(
        format("export: --output: found the folder '{}', expected a file path such as "
               "'{}'.",
               request.output.string(), (request.output / "model.gguf").string()));
  prepare_output(request.output, request.existing, {request.model, request.adapter.value_or("")},
                 "export");
}

}  // namespace

ExportSummary export_model(const ExportRequest& request) {
  const auto& exporter = exporter_by_name(request.format);
  auto checked = request;
  checked.type = known_type(exporter, request.type);
  check_output(checked, exporter.writes_folder());
  return exporter.write(checked);
}

}  // namespace sqpsych
