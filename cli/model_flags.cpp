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

Model load_flagged_model(const ModelFlags& flags, const ModelOptions& options) {
  std::optional<std::filesystem::path> adapter;
  if (!flags.adapter.empty()) {
    need_inputs("--adapter", {flags.adapter});
    adapter = flags.adapter;
  }
  return load_model(resolve_model_path(flags.model), adapter, options);
}

}  // namespace sqpsych
