#include <iostream>

#include "cli/command.h"
#include "cli/tokenizer_source.h"
#include "core/interrupt.h"
#include "core/text.h"
#include "data/datasets/dataset_row.h"

namespace sqpsych {

namespace {

struct RenderArguments {
  std::string model;
  std::string rows;
  bool generation_prompt = false;
  bool jinja = false;
  ConfigFlags flags;
};

/// Errors name the row.
std::string text_of_row(const ChatTemplate& chat_template, const DatasetRow& row,
                        const std::string& where, bool generation_prompt) {
  try {
    return chat_template.render(row.messages, generation_prompt).text;
  } catch (const ConfigError& error) {
    throw ConfigError(format("{}: {}", where, error.what()));
  } catch (const FormatError& error) {
    throw FormatError(format("{}: {}", where, error.what()));
  }
}

ExitCode run_render(const RenderArguments& arguments) {
  const auto options = load_config<ModelOptions>(arguments.flags.config, arguments.flags.sets);
  if (printed_config(arguments.flags, config_to_json(options))) return ExitCode::kDone;
  const auto source = open_tokenizer(arguments.model, options);
  const auto chat_template = open_chat_template(source, options);
  if (arguments.jinja) {
    std::cout << chat_template->jinja_source() << "\n";
    return ExitCode::kDone;
  }
  if (arguments.rows.empty())
    throw ConfigError("render: ROWS: found none, expected a file of rows with messages.");
  need_inputs("ROWS", {arguments.rows});
  const auto rows = read_dataset_rows(arguments.rows);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    throw_if_interrupted("render");
    if (rows[i].is_raw())
      throw FormatError(format("{}: row {}: found prompt and completion, expected messages.",
                               arguments.rows, i + 1));
    const auto text =
        text_of_row(*chat_template, rows[i], format("{}: row {}", arguments.rows, i + 1),
                    arguments.generation_prompt);
    if (!arguments.flags.check) std::cout << Json(text).dump() << "\n";
  }
  if (arguments.flags.check)
    std::cout << format("{} rows can be rendered by '{}'\n", rows.size(), chat_template->name());
  std::cout.flush();
  return ExitCode::kDone;
}

}  // namespace

void add_render_command(CLI::App& app, ExitCode& result) {
  auto arguments = std::make_shared<RenderArguments>();
  CLI::App* command =
      app.add_subcommand("render", "messages -> the chat template's text, one JSON string a row");
  command->add_option("ROWS", arguments->rows, "dataset rows with messages (JSON Lines)");
  command
      ->add_option("--model", arguments->model,
                   "folder with a tokenizer, .gguf file or cached hub id")
      ->required();
  command->add_flag("--generation-prompt", arguments->generation_prompt,
                    "end the text where the assistant is to speak");
  command->add_flag("--jinja", arguments->jinja,
                    "print the template's Jinja source for other programs, and stop");
  add_config_flags(*command, arguments->flags, ConfigFile::kOptional, settings_of<ModelOptions>);
  command->footer(
      "Example:\n"
      "  sqpsych render work/dataset/train.jsonl --model work/base");
  command->callback([arguments, &result] { result = run_render(*arguments); });
}

}  // namespace sqpsych
