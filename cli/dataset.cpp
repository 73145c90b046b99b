#include <iostream>

#include "cli/command.h"
#include "core/log.h"
#include "core/text.h"
#include "data/datasets/dataset.h"
#include "data/datasets/importers/importer.h"
#include "generate/run_folder.h"

namespace sqpsych {

namespace {

struct DatasetArguments {
  std::vector<std::string> files;
  std::string output;
  ConfigFlags flags;
  Existing existing = Existing::kRefuse;
  bool list_formats = false;
};

/// A run's folder stands for its sessions.
std::vector<std::filesystem::path> files_of(const std::vector<std::string>& arguments) {
  std::vector<std::filesystem::path> files;
  for (const std::filesystem::path path : arguments) {
    const bool is_folder = std::filesystem::is_directory(path);
    files.push_back(is_folder ? path / kSessionsFile : path);
    if (is_folder && !std::filesystem::exists(files.back()))
      throw ConfigError(
          format("dataset: FILE: '{}': found a folder without {}, expected a file or the folder of "
                 "a finished run.",
                 path.string(), kSessionsFile));
  }
  return files;
}

void warn_of_unfinished_runs(const std::vector<std::filesystem::path>& files) {
  for (const auto& file : files)
    if (file.filename() == kSessionsFile &&
        std::filesystem::exists(file.parent_path() / kJournalFile))
      log_warning(
          format("'{}': found {} beside it: the run was stopped on the way and has more sessions. "
                 "The same `sqpsych generate` again finishes it.",
                 file.string(), kJournalFile));
}

void warn_of_empty_splits(const Dataset& dataset, const SplitConfig& split) {
  const double shares[] = {1, split.validation, split.test};
  for (std::size_t i = 0; i < kSplitNames.size(); ++i)
    if (dataset.splits[i].empty() && (split.by != "hash" || shares[i] > 0))
      log_warning(
          format("split: {} is empty; set another split.seed or larger shares.", kSplitNames[i]));
}

ExitCode run_dataset(const DatasetArguments& arguments) {
  if (arguments.list_formats) {
    for (const auto& importer : importers())
      std::cout << format("{:<14}{}\n", importer.name, importer.about);
    return ExitCode::kDone;
  }
  const auto config = load_config<DatasetConfig>(arguments.flags.config, arguments.flags.sets);
  if (printed_config(arguments.flags, config_to_json(config))) return ExitCode::kDone;
  if (arguments.files.empty())
    throw ConfigError("dataset: found no FILE, expected sessions or a published corpus.");
  if (arguments.output.empty() && !arguments.flags.check)
    throw ConfigError("dataset: --output: found nothing, expected a folder.");
  need_inputs("FILE", arguments.files);
  create_private_files();
  const auto files = files_of(arguments.files);
  warn_of_unfinished_runs(files);
  if (!arguments.output.empty())
    prepare_output(arguments.output, arguments.existing, files, "dataset");
  const Dataset dataset = build_dataset(files, config);
  std::cout << dataset.report.text();
  warn_of_empty_splits(dataset, config.split);
  if (arguments.flags.check) {
    std::cout << "check: nothing was written\n";
  } else {
    write_dataset(dataset, files, config, arguments.output, arguments.existing);
    std::cout << format("written to {}\n", arguments.output);
  }
  if (std::ssize(dataset.report.bad) <= config.max_failures) return ExitCode::kDone;
  log_warning(
      format("{} records could not be read, max_failures allows {}; dropped.jsonl names them.",
             dataset.report.bad.size(), config.max_failures));
  return ExitCode::kTooManyFailures;
}

}  // namespace

void add_dataset_command(CLI::App& app, ExitCode& result) {
  auto arguments = std::make_shared<DatasetArguments>();
  CLI::App* command = app.add_subcommand(
      "dataset", "sessions or published corpora -> training rows, split by client");
  command->add_option("FILE", arguments->files,
                      "sessions.jsonl or files of a corpus (--formats lists the shapes)");
  command->add_option("--output", arguments->output,
                      "folder for train.jsonl, validation.jsonl, test.jsonl, README.md ...");
  add_config_flags(*command, arguments->flags, ConfigFile::kOptional, settings_of<DatasetConfig>);
  add_overwrite_flag(*command, arguments->existing);
  command->add_flag("--formats", arguments->list_formats,
                    "list the formats that can be read, and stop");
  command->footer(
      "Exit codes: 0 done, 2 settings, 3 more unreadable records than max_failures.\n\n"
      "Example:\n"
      "  sqpsych dataset work/sessions/sessions.jsonl \\\n"
      "    --config configs/dataset/sessions.json --output work/dataset");
  command->callback([arguments, &result] { result = run_dataset(*arguments); });
}

}  // namespace sqpsych
