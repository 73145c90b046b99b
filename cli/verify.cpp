#include <iostream>
#include <memory>

#include "cli/command.h"
#include "models/exporters/verify.h"

namespace sqpsych {
namespace {

ExitCode run_verify(const std::string& file) {
  need_inputs("FILE", {file});
  const auto findings = verify_gguf(file);
  for (const auto& finding : findings)
    std::cout << file << ": " << finding.rule << ": " << finding.detail << ".\n";
  if (!findings.empty()) return ExitCode::kFailed;
  std::cout << describe_gguf(file) << "\n";
  return ExitCode::kDone;
}

}  // namespace

void add_verify_command(CLI::App& app, ExitCode& result) {
  auto* command = app.add_subcommand(
      "verify", "check a GGUF model or adapter against every rule that runtimes enforce");
  auto file = std::make_shared<std::string>();
  command->add_option("FILE", *file, "GGUF file")->required();
  command->footer(
      "Example:\n"
      "  sqpsych verify work/model.gguf");
  command->callback([file, &result] { result = run_verify(*file); });
}

}  // namespace sqpsych
