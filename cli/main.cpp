#include <CLI/CLI.hpp>
#include <algorithm>
#include <exception>
#include <iostream>
#include <new>

#include "cli/command.h"
#include "core/error.h"
#include "core/interrupt.h"
#include "core/manifest.h"
#include "core/text.h"

namespace sqpsych {
// One line per command, in the order of the pipeline; each is defined in cli/NAME.cpp.
void add_new_model_command(CLI::App& app, ExitCode& result);
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

int code(ExitCode exit_code) { return static_cast<int>(exit_code); }

/// CLI11 would only say that a subcommand is required.
void refuse_unknown_command(const CLI::App& app, int argc, char** argv) {
  if (argc < 2 || argv[1][0] == '-') return;
  std::vector<std::string> known;
  for (const auto* command : app.get_subcommands({})) known.push_back(command->get_name());
  if (std::find(known.begin(), known.end(), argv[1]) != known.end()) return;
  const auto nearest = sqpsych::nearest_name(argv[1], known);
  throw sqpsych::ConfigError(sqpsych::format(
      "command: found '{}', expected one of {}.{}", argv[1], sqpsych::quoted_list(known),
      nearest.empty() ? "" : " Did you mean '" + nearest + "'?"));
}

/// Runs the chosen command and turns what it throws into one sentence and an exit code.
int run(int argc, char** argv) {
  CLI::App app{
      "sqpsych: questionnaire answers -> synthetic counseling sessions -> LoRA-tuned model -> "
      "GGUF.\n"
      "For research and education; not for patients, not for crises."};
  app.name("sqpsych");
  app.set_version_flag("--version", sqpsych::version());
  app.require_subcommand(1);
  ExitCode result = ExitCode::kDone;
  for (auto add : sqpsych::kCommands)
    if (add) add(app, result);
  refuse_unknown_command(app, argc, argv);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int status = app.exit(error);
    return status == 0 ? 0 : code(ExitCode::kSettings);
  }
  return code(result);
}

}  // namespace

int main(int argc, char** argv) {
  sqpsych::set_command_line(argc, argv);
  sqpsych::install_interrupt_handlers();
  try {
    return run(argc, argv);
  } catch (const sqpsych::Error& error) {
    std::cerr << "sqpsych: " << error.what() << "\n";
    return code(error.exit_code());
  } catch (const std::bad_alloc&) {
    std::cerr
        << "sqpsych: memory: allocation failed. Close other programs or choose a smaller model.\n";
    return code(ExitCode::kFailed);
  } catch (const std::exception& error) {
    std::cerr << "sqpsych: this is a bug in sqpsych: " << error.what() << "\n";
    return code(ExitCode::kBug);
  }
}
