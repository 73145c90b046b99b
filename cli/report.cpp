#include "evaluate/reports/report.h"

#include <memory>

#include "cli/command.h"

namespace sqpsych {
namespace {

struct ReportCommand {
  ConfigFlags config;
  std::vector<std::string> sources;
  std::string output;
  Existing existing = Existing::kRefuse;
};

void run(const ReportCommand& command) {
  ReportRequest request;
  request.config = load_config<ReportConfig>(command.config.config, command.config.sets);
  if (printed_config(command.config, config_to_json(request.config))) return;
  request.sources.assign(command.sources.begin(), command.sources.end());
  request.output = command.output;
  request.existing = command.existing;
  request.check_only = command.config.check;
  write_report(request);
  std::cout << (command.config.check ? "would write " : "") << command.output << "\n";
}

}  // namespace

void add_report_command(CLI::App& app, ExitCode&) {
  auto command = std::make_shared<ReportCommand>();
  auto* sub = app.add_subcommand(
      "report", "one self-contained HTML page about the outputs of other commands");
  sub->add_option("RUN", command->sources,
                  "folders of profiles, generate, dataset, train and export, or .gguf files")
      ->required();
  sub->add_option("--output", command->output, "the page to write, e.g. report.html")->required();
  add_config_flags(*sub, command->config, ConfigFile::kOptional, settings_of<ReportConfig>);
  add_overwrite_flag(*sub, command->existing);
  sub->footer(
      "Session text is shown only with --set report.samples=N.\n\n"
      "Example:\n"
      "  sqpsych report work/profiles work/sessions work/dataset work/run \\\n"
      "    work/model.gguf --output work/report.html");
  sub->callback([command] { run(*command); });
}

}  // namespace sqpsych
