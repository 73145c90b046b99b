#include "models/new_model.h"

#include <iostream>

#include "cli/command.h"
#include "models/model_account.h"

namespace sqpsych {
namespace {

struct NewModelFlags {
  ConfigFlags config;
  std::vector<std::string> texts;
  std::string output;
  std::string family;
  Existing existing = Existing::kRefuse;
};

ExitCode run(const NewModelFlags& flags) {
  auto document = load_config_document(flags.config.config, flags.config.sets);
  if (!flags.family.empty()) document["family"] = flags.family;
  const auto config = config_from_json<NewModelConfig>(
      document, flags.config.config.empty() ? "--set" : flags.config.config,
      std::filesystem::current_path());
  if (printed_config(flags.config, config_to_json(config))) return ExitCode::kDone;
  need_inputs("--text", flags.texts);
  if (flags.config.check) {
    prepare_output(flags.output, flags.existing, {flags.texts.begin(), flags.texts.end()},
                   "new-model");
    std::size_t lines = 0;
    for (const auto& file : flags.texts) lines += read_training_texts(file).size();
    std::cout << format(
        "text      {} lines\nmodel     at most {} parameters\nchecked   nothing was written\n",
        with_thousands(static_cast<std::int64_t>(lines)),
        with_thousands(parameter_count(new_model_features(config, config.vocabulary_size))));
    return ExitCode::kDone;
  }
  write_new_model(config, {flags.texts.begin(), flags.texts.end()}, flags.output, flags.existing);
  std::cout << format("written   {}\n", flags.output);
  return ExitCode::kDone;
}

}  // namespace

void add_new_model_command(CLI::App& app, ExitCode& result) {
  auto* command =
      app.add_subcommand("new-model", "a small random model with its own SentencePiece tokenizer");
  auto flags = std::make_shared<NewModelFlags>();
  command
      ->add_option("--text", flags->texts,
                   "text to train the vocabulary on: plain text or JSON rows (repeatable)")
      ->required()
      ->type_size(1)
      ->expected(1, -1)
      ->allow_extra_args(false);
  command->add_option("--output", flags->output, "folder to write")->required();
  command->add_option("--family", flags->family, "model family (the setting `family`)");
  add_config_flags(*command, flags->config, ConfigFile::kOptional, settings_of<NewModelConfig>);
  add_overwrite_flag(*command, flags->existing);
  command->footer(
      "Example:\n"
      "  sqpsych new-model --text work/dataset/train.jsonl --output work/base \\\n"
      "    --set hidden_size=64 --set vocabulary_size=600");
  command->callback([flags, &result] { result = run(*flags); });
}

}  // namespace sqpsych
