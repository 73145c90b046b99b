#include "cli/model_flags.h"

#include "cli/command.h"
#include "models/weights/model_dir.h"

namespace sqpsych {

void add_model_flags(CLI::App& command, ModelFlags& flags) {
  command
      .add_option("--model", flags.model,
                  "Hugging Face folder, GGUF file, or hub id in the local cache")
      ->required();
  command.add_option("--adapter", flags.adapter, "PEFT adapter folder to put on top");
}

std::optional<std::filesystem::path> adapter_folder(const std::string& adapter) {
  if (adapter.empty()) return std::nullopt;
  need_inputs("--adapter", {adapter});
  if (std::filesystem::is_directory(adapter)) return adapter;
  throw ConfigError(
      format("--adapter: '{}': found a file, expected a PEFT adapter folder. A GGUF adapter is for "
             "llama.cpp: pass the folder it was made from.",
             adapter));
}

Model load_flagged_model(const ModelFlags& flags, const ModelOptions& options, bool is_check) {
  const auto path = resolve_model_path(flags.model);
  const auto adapter = adapter_folder(flags.adapter);
  return is_check ? load_model_outline(path, adapter, options) : load_model(path, adapter, options);
}

}  // namespace sqpsych
