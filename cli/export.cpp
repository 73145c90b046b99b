#include <iostream>
#include <memory>
#include <optional>

#include "cli/command.h"
#include "cli/model_flags.h"
#include "core/json.h"
#include "core/text.h"
#include "models/exporters/exporter.h"
#include "models/weights/model_dir.h"

namespace sqpsych {
namespace {

struct ExportFlags {
  ConfigFlags config;
  std::string model;
  std::string adapter;
  ExportRequest request;
};

ExitCode run_export(ExportFlags& flags) {
  auto& request = flags.request;
  request.model_options = load_config<ModelOptions>(flags.config.config, flags.config.sets);
  if (printed_config(flags.config, config_to_json(request.model_options))) return ExitCode::kDone;
  request.model = resolve_model_path(flags.model);
  request.adapter = adapter_folder(flags.adapter);
  request.check_only = flags.config.check;
  const auto summary = export_model(request);
  std::cout << format("{} {}: {} tensors, {}\n", request.check_only ? "would write" : "wrote",
                      request.output.string(), summary.tensors, bytes_text(summary.size_bytes));
  return ExitCode::kDone;
}

}  // namespace

void add_export_command(CLI::App& app, ExitCode& result) {
  auto* command = app.add_subcommand(
      "export", "write a model as GGUF, as GGUF adapter, or as merged Hugging Face folder");
  auto flags = std::make_shared<ExportFlags>();
  command->add_option("--model", flags->model, "Hugging Face folder, or hub id in the local cache")
      ->required();
  command->add_option("--adapter", flags->adapter, "PEFT adapter folder; merged on the way");
  command->add_option("--format", flags->request.format, "gguf, gguf-adapter or huggingface")
      ->required();
  command->add_option("--type", flags->request.type,
                      "F32, F16, BF16 or Q8_0, in any case (default: F16 for gguf, F32 for "
                      "gguf-adapter, the model's own for huggingface)");
  command->add_option("--output", flags->request.output, "file (GGUF) or folder to write")
      ->required();
  add_overwrite_flag(*command, flags->request.existing);
  add_config_flags(*command, flags->config, ConfigFile::kOptional, settings_of<ModelOptions>);
  command->footer(
      "Example:\n"
      "  sqpsych export --model work/base --adapter work/run/adapter \\\n"
      "    --format gguf --type Q8_0 --output work/model.gguf");
  command->callback([flags, &result] { result = run_export(*flags); });
}

}  // namespace sqpsych
