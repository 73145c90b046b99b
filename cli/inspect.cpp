#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <memory>

#include "cli/command.h"
#include "cli/usage.h"
#include "core/text.h"
#include "data/packing/inspect.h"
#include "models/model.h"
#include "models/weights/model_dir.h"

namespace sqpsych {

namespace {

struct InspectConfig {
  RowPlanOptions plan;
  ChatTemplateOptions chat_template;
  std::string tokenizer_split;

  template <class Visitor>
  void fields(Visitor& visit) {
    plan.fields(visit);
    chat_template.fields(visit);
    visit("tokenizer_split", tokenizer_split,
          "split regex by name for folders with vocabulary and merges files only");
  }
};

struct InspectArguments {
  std::string rows;
  std::string model;
  ConfigFlags flags;
  std::string html;
  Existing existing = Existing::kRefuse;
  std::size_t limit = 5;
  bool color = false;
};

struct TokenizerAndTemplate {
  std::unique_ptr<Tokenizer> tokenizer;
  std::unique_ptr<ChatTemplate> chat_template;
};

TokenizerAndTemplate load(const std::filesystem::path& path, const InspectConfig& config,
                          bool needs_template) {
  TokenizerAndTemplate loaded;
  if (std::filesystem::is_directory(path)) {
    loaded.tokenizer = load_tokenizer(path, {config.tokenizer_split});
    if (needs_template)
      loaded.chat_template = choose_chat_template(config.chat_template, read_template_sources(path),
                                                  *loaded.tokenizer);
    return loaded;
  }
  ModelOptions options;
  options.device = "cpu";
  static_cast<ChatTemplateOptions&>(options) = config.chat_template;
  Model model = load_model(path, std::nullopt, options);
  if (needs_template) loaded.chat_template = chat_template_of(model, options);
  loaded.tokenizer = std::move(model.tokenizer);
  return loaded;
}

std::filesystem::path rows_file(const std::string& argument) {
  const std::filesystem::path path = argument;
  return std::filesystem::is_directory(path) ? path / "train.jsonl" : path;
}

/// The model's own context unless the settings say something else; 0 where no config tells it.
std::int64_t context_length(const std::filesystem::path& model) {
  const bool known =
      !std::filesystem::is_directory(model) || std::filesystem::exists(model / "config.json");
  return known ? read_features(model).context_length : 0;
}

ExitCode run_inspect(const InspectArguments& arguments) {
  auto config = load_config<InspectConfig>(arguments.flags.config, arguments.flags.sets);
  if (printed_config(arguments.flags, config_to_json(config))) return ExitCode::kDone;
  const std::filesystem::path model = resolve_model_path(arguments.model);
  if (config.plan.max_length == 0) config.plan.max_length = context_length(model);
  need_inputs("ROWS", {rows_file(arguments.rows).string()});
  const auto rows = read_dataset_rows(rows_file(arguments.rows));
  const bool chat =
      std::any_of(rows.begin(), rows.end(), [](const DatasetRow& row) { return !row.is_raw(); });
  const TokenizerAndTemplate loaded = load(model, config, chat);
  RowPlanReport report;
  const auto tokenized =
      tokenize_rows(rows, *loaded.tokenizer, loaded.chat_template.get(), config.plan, report);
  if (!arguments.html.empty())
    prepare_output(arguments.html, arguments.existing, {rows_file(arguments.rows)}, "inspect");
  const Inspection inspection = {tokenized, report, *loaded.tokenizer, arguments.limit};
  if (arguments.flags.check) {
    std::cout << report.text();
    return ExitCode::kDone;
  }
  if (arguments.html.empty()) {
    const bool color = arguments.color || isatty(STDOUT_FILENO) == 1;
    std::cout << inspect_text(inspection, color ? InspectStyle::kAnsi : InspectStyle::kPlain);
    return ExitCode::kDone;
  }
  create_private_files();
  write_file_atomic(arguments.html,
                    inspect_html(inspection, format("{} for {}", arguments.rows, arguments.model)));
  std::cout << report.text() << "written to " << arguments.html << "\n";
  return ExitCode::kDone;
}

}  // namespace

void add_inspect_command(CLI::App& app, ExitCode& result) {
  auto arguments = std::make_shared<InspectArguments>();
  CLI::App* command = app.add_subcommand(
      "inspect",
      "coloured tokens of training rows: what is supervised, what is not, where rows are cut");
  command
      ->add_option("ROWS", arguments->rows, "a .jsonl file of rows, or a folder with train.jsonl")
      ->required();
  command
      ->add_option("--model", arguments->model,
                   "model folder (tokenizer files suffice), .gguf file or hub id in the cache")
      ->required();
  command->add_option("--limit", arguments->limit, "token rows shown; 0: all")
      ->capture_default_str()
      ->check(whole_number_from(0));
  command->add_flag("--color", arguments->color, "colours although the output is no terminal");
  command->add_option("--html", arguments->html, "write a page instead of printing");
  add_config_flags(*command, arguments->flags, ConfigFile::kOptional, settings_of<InspectConfig>);
  add_overwrite_flag(*command, arguments->existing);
  command->footer(
      "Example:\n"
      "  sqpsych inspect work/dataset --model work/base --limit 3");
  command->callback([arguments, &result] { result = run_inspect(*arguments); });
}

}  // namespace sqpsych
