#include <c10/core/InferenceMode.h>

#include <iostream>
#include <vector>

#include "cli/command.h"
#include "cli/model_flags.h"
#include "models/engine/completion.h"
#include "models/weights/safetensors.h"

namespace sqpsych {
namespace {

struct LogitsFlags {
  ConfigFlags config;
  ModelFlags model;
  std::vector<std::string> ids;
  std::string output;
  Existing existing = Existing::kRefuse;
};

ExitCode run(const LogitsFlags& flags) {
  const auto options = load_config<ModelOptions>(flags.config.config, flags.config.sets);
  if (printed_config(flags.config, config_to_json(options))) return ExitCode::kDone;
  std::vector<std::vector<TokenId>> rows;
  for (const auto& ids : flags.ids) rows.push_back(parse_token_ids(ids));
  prepare_output(flags.output, flags.existing, {flags.model.model}, "logits");
  const auto model = load_flagged_model(flags.model, options, flags.config.check);
  for (const auto& ids : rows) check_prompt(model, ids, 0);
  if (flags.config.check) {
    std::size_t tokens = 0;
    for (const auto& ids : rows) tokens += ids.size();
    std::cout << format("checked   {} tokens x {} logits; nothing was written\n", tokens,
                        model.decoder->features().vocabulary_size);
    return ExitCode::kDone;
  }
  const c10::InferenceMode guard;
  NamedTensors logits;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto logits_TV = model.decoder->logits(model.decoder->hidden(pack_ids({rows[i]})));
    logits.push_back(
        {rows.size() == 1 ? "logits" : format("logits.{}", i), logits_TV.to(at::kCPU, at::kFloat)});
  }
  write_safetensors(flags.output, logits);
  return ExitCode::kDone;
}

}  // namespace

void add_logits_command(CLI::App& app, ExitCode& result) {
  auto* command =
      app.add_subcommand("logits", "a model's logits for token ids, as a safetensors file");
  auto flags = std::make_shared<LogitsFlags>();
  add_model_flags(*command, flags->model);
  command->add_option("--ids", flags->ids, "token ids, e.g. 1,2,3 (repeatable)")
      ->required()
      ->type_size(1)
      ->expected(1, -1)
      ->allow_extra_args(false);
  command
      ->add_option("--output", flags->output,
                   "file to write: tensor 'logits' [tokens, vocabulary], fp32; with several --ids "
                   "'logits.0', 'logits.1' ...")
      ->required();
  add_config_flags(*command, flags->config, ConfigFile::kOptional, settings_of<ModelOptions>);
  add_overwrite_flag(*command, flags->existing);
  command->footer(
      "Example:\n"
      "  sqpsych logits --model work/base --ids 1,2,3 --output work/logits.safetensors");
  command->callback([flags, &result] { result = run(*flags); });
}

}  // namespace sqpsych
