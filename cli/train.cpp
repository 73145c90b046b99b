#include "train/training.h"

#include <iostream>
#include <memory>

#include "cli/command.h"
#include "models/weights/model_dir.h"

namespace sqpsych {
namespace {

struct TrainFlags {
  ConfigFlags config;
  std::string model;
  std::string data;
  std::string output;
  bool restart = false;
};

void run_train(const TrainFlags& flags) {
  TrainRequest request;
  request.config = load_config<TrainConfig>(flags.config.config, flags.config.sets);
  if (printed_config(flags.config, config_to_json(request.config))) return;
  request.model = resolve_model_path(flags.model);
  request.data = flags.data;
  request.output = flags.output;
  request.restart = flags.restart;
  if (flags.config.check) {
    std::cout << check_training(request);
    return;
  }
  const TrainOutcome outcome = train(request);
  std::cerr << (outcome.was_finished
                    ? "train: this run is finished already; --restart trains again\n"
                    : format("train: {} steps done{}\n", outcome.steps,
                             outcome.stopped_early ? " (stopped early)" : ""));
  std::cout << outcome.result.string() << "\n";
}

}  // namespace

void add_train_command(CLI::App& app, ExitCode&) {
  auto flags = std::make_shared<TrainFlags>();
  CLI::App& command = *app.add_subcommand(
      "train",
      "tune a model on a dataset: LoRA adapter or every weight. The same command resumes.");
  add_config_flags(command, flags->config, ConfigFile::kRequired, settings_of<TrainConfig>);
  command.add_option("--model", flags->model, "Hugging Face folder, or hub id in the local cache")
      ->required();
  command
      .add_option("--data", flags->data,
                  "folder with train.jsonl and validation.jsonl, or one JSON Lines file")
      ->required();
  command.add_option("--output", flags->output, "run folder, made or continued")->required();
  command.add_flag("--restart", flags->restart, "start over in an existing run folder");
  command.footer(
      "Writes RUN/adapter (or RUN/model), checkpoint-N/, metrics.jsonl and TensorBoard events. "
      "Ctrl-C saves a checkpoint (exit code 75); the same command goes on from it.\n\n"
      "Example:\n"
      "  sqpsych train --config configs/train/lora.json --model work/base \\\n"
      "    --data work/dataset --output work/run --set num_train_epochs=1");
  command.callback([flags] { run_train(*flags); });
}

}  // namespace sqpsych
