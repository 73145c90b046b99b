#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>

#include "cli/command.h"
#include "cli/outcome.h"
#include "cli/usage.h"
#include "core/error.h"
#include "core/interrupt.h"
#include "core/manifest.h"
#include "core/text.h"

namespace sqpsych {
// One line per command, in the order of the pipeline; each is defined in cli/NAME.cpp.
void add_new_model_command(CLI::App& app, ExitCode& result);
void add_model_command(CLI::App& app, ExitCode& result);
void add_profiles_command(CLI::App& app, ExitCode& result);
void add_generate_command(CLI::App& app, ExitCode& result);
void add_dataset_command(CLI::App& app, ExitCode& result);
void add_inspect_command(CLI::App& app, ExitCode& result);
void add_tokenize_command(CLI::App& app, ExitCode& result);
void add_render_command(CLI::App& app, ExitCode& result);
void add_logits_command(CLI::App& app, ExitCode& result);
void add_complete_command(CLI::App& app, ExitCode& result);
void add_train_command(CLI::App& app, ExitCode& result);
void add_export_command(CLI::App& app, ExitCode& result);
void add_verify_command(CLI::App& app, ExitCode& result);
void add_report_command(CLI::App& app, ExitCode& result);
void add_chat_command(CLI::App& app, ExitCode& result);

namespace {
// One line each, so that two new commands never meet in one line.
// clang-format off
constexpr AddCommand kCommands[] = {
    add_new_model_command,
    add_model_command,
    add_profiles_command,
    add_generate_command,
    add_dataset_command,
    add_inspect_command,
    add_tokenize_command,
    add_render_command,
    add_logits_command,
    add_complete_command,
    add_train_command,
    add_export_command,
    add_verify_command,
    add_report_command,
    add_chat_command,
};
// clang-format on
}  // namespace
}  // namespace sqpsych

namespace {

using sqpsych::ExitCode;

std::vector<std::string> command_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const auto* command : app.get_subcommands({})) names.push_back(command->get_name());
  return names;
}

/// CLI11 would only say that a subcommand is required.
void refuse_unknown_command(const CLI::App& app, int argc, char** argv) {
  if (argc >= 2 && argv[1][0] == '-') return;
  const auto known = command_names(app);
  if (argc < 2)
    throw sqpsych::ConfigError(
        sqpsych::format("command: found none, expected one of {}. See `sqpsych --help`.",
                        sqpsych::quoted_list(known)));
  if (std::find(known.begin(), known.end(), argv[1]) != known.end()) return;
  const auto nearest = sqpsych::nearest_name(argv[1], known);
  throw sqpsych::ConfigError(sqpsych::format(
      "command: found '{}', expected one of {}.{}", argv[1], sqpsych::quoted_list(known),
      nearest.empty() ? "" : " Did you mean '" + nearest + "'?"));
}

/// Parses the command line and runs the chosen command.
ExitCode run(int argc, char** argv) {
  CLI::App app{
      "sqpsych: questionnaire answers -> synthetic counseling sessions -> LoRA-tuned model -> "
      "GGUF.\nFor research and education; not for patients, not for crises."};
  app.name("sqpsych");
  app.formatter(std::make_shared<sqpsych::HelpFormatter>());
  app.get_formatter()->label("SUBCOMMAND", "COMMAND");
  app.get_formatter()->label("Positionals", "Arguments");
  app.set_version_flag("--version", sqpsych::version());
  app.require_subcommand(1);
  ExitCode result = ExitCode::kDone;
  for (auto add : sqpsych::kCommands) add(app, result);
  for (auto* command : app.get_subcommands({})) command->group("Commands");
  refuse_unknown_command(app, argc, argv);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& wanted) {
    app.exit(wanted);
  } catch (const CLI::ParseError& error) {
    throw sqpsych::ConfigError(sqpsych::usage_sentence(app, error));
  }
  return result;
}

}  // namespace

int main(int argc, char** argv) {
  sqpsych::set_command_line(argc, argv);
  sqpsych::install_interrupt_handlers();
  sqpsych::install_terminate_handler();
  return sqpsych::exit_status_of([&] { return run(argc, argv); });
}
