#include <algorithm>
#include <iostream>

#include "cli/command.h"
#include "cli/model_flags.h"
#include "models/model_account.h"
#include "models/weights/model_dir.h"
#include "train/memory.h"

namespace sqpsych {
namespace {

/// Longer contexts are rarely filled by a counseling session.
constexpr std::int64_t kLongestPlanned = 4096;

struct ModelCommand {
  ConfigFlags config;
  ModelFlags model;
};

/// Memory of one training, its model loaded anew: low-rank factors change the one they lie on.
std::string training_memory(const ModelCommand& command, const ModelOptions& options,
                            const std::string& method, std::int64_t tokens) {
  auto outline = load_flagged_model(command.model, options, true);
  TrainConfig config;
  config.method = method;
  const Trainable trainable(outline, config);
  const auto memory = plan_memory(outline, trainable, tokens);
  return format("{} for {} trained parameters, a pack of {} tokens",
                bytes_text(memory.total_bytes()), with_thousands(trainable.parameter_count()),
                with_thousands(tokens));
}

void add_memory(const ModelCommand& command, const ModelOptions& options, const Model& model,
                std::vector<AccountLine>& lines) {
  const auto tokens = std::min(kLongestPlanned, model.decoder->features().context_length);
  const auto* dtype = model.decoder->dtype() == at::kBFloat16 ? "bfloat16" : "float32";
  lines.emplace_back("memory", format("in {} (setting `dtype`), program not counted:", dtype));
  lines.emplace_back("  inference", format("{} with one sequence of {} tokens",
                                           bytes_text(inference_bytes(*model.decoder, tokens)),
                                           with_thousands(tokens)));
  if (is_gguf_file(model.path)) return;
  const TrainConfig defaults;
  lines.emplace_back(format("  LoRA r={}", defaults.lora_r),
                     training_memory(command, options, "lora", tokens));
  lines.emplace_back("  full", training_memory(command, options, "full", tokens));
}

void run(const ModelCommand& command) {
  const auto options = load_config<ModelOptions>(command.config.config, command.config.sets);
  if (printed_config(command.config, config_to_json(options))) return;
  auto model = load_flagged_model(command.model, options, true);
  auto lines = account_of(model, options);
  add_memory(command, options, model, lines);
  std::cout << "model         " << model.path.string() << "\n";
  for (const auto& [name, text] : lines) std::cout << format("{:<13} {}\n", name, text);
}

}  // namespace

void add_model_command(CLI::App& app, ExitCode&) {
  auto* sub = app.add_subcommand(
      "model", "what a model folder or file is, what it needs, and what of it is not followed");
  auto command = std::make_shared<ModelCommand>();
  sub->add_option("MODEL", command->model.model,
                  "Hugging Face folder, GGUF file, or hub id in the local cache")
      ->required();
  sub->add_option("--adapter", command->model.adapter, "PEFT adapter folder to put on top");
  add_config_flags(*sub, command->config, ConfigFile::kOptional, settings_of<ModelOptions>);
  sub->footer(
      "No weight is read, only names, types and shapes.\n\n"
      "Example:\n"
      "  sqpsych model work/base");
  sub->callback([command] { run(*command); });
}

}  // namespace sqpsych
