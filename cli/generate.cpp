#include <iostream>
#include <memory>

#include "cli/command.h"
#include "cli/usage.h"
#include "generate/runner.h"

namespace sqpsych {
namespace {

struct GenerateFlags {
  ConfigFlags config;
  std::string profiles;
  std::string output;
  std::string shard = "1/1";
  std::int64_t limit = 0;
  Existing existing = Existing::kRefuse;
};

RunOptions options_of(const GenerateFlags& flags) {
  if (flags.profiles.empty())
    throw ConfigError("generate: PROFILES: found none, expected a profiles.jsonl file.");
  if (flags.output.empty() && !flags.config.check)
    throw ConfigError("generate: --output: found none, expected the run's folder.");
  RunOptions options;
  options.profiles = flags.profiles;
  if (std::filesystem::is_directory(options.profiles)) options.profiles /= "profiles.jsonl";
  if (!std::filesystem::exists(options.profiles))
    throw ConfigError(
        format("generate: PROFILES: '{}': found no such file, expected profiles.jsonl "
               "as `sqpsych profiles` writes it.",
               options.profiles.string()));
  options.output = flags.output;
  options.existing = flags.existing;
  if (flags.limit > 0) options.limit = flags.limit;
  options.shard = parse_shard(flags.shard);
  return options;
}

ExitCode run(const GenerateFlags& flags) {
  const std::filesystem::path file = flags.config.config;
  const auto config = load_config<GenerateConfig>(file, flags.config.sets);
  const ConfigOrigin origin{file.string(), std::filesystem::absolute(file).parent_path()};
  if (flags.config.print_config) {
    const Ensemble ensemble(config, origin, {}, {});
    printed_config(flags.config, ensemble.resolved_config());
    return ExitCode::kDone;
  }
  const auto options = options_of(flags);
  if (flags.config.check) {
    std::cout << forecast_run(config, origin, options).text();
    return ExitCode::kDone;
  }
  const auto summary = run_generation(config, origin, options);
  std::cout << summary.text();
  return summary.exit_code();
}

}  // namespace

void add_generate_command(CLI::App& app, ExitCode& result) {
  auto* command = app.add_subcommand(
      "generate", "profiles -> sessions between agents; the same command resumes a stopped run");
  auto flags = std::make_shared<GenerateFlags>();
  command->add_option("PROFILES", flags->profiles, "profiles.jsonl, or the folder that holds it");
  add_config_flags(*command, flags->config, ConfigFile::kRequired, generate_settings);
  command->add_option("--output", flags->output, "run folder: new, or one to go on with");
  command->add_option("--limit", flags->limit, "only the first N sessions of the plan")
      ->check(whole_number_from(1));
  command->add_option("--shard", flags->shard, "only part i of n, e.g. 1/4, by profile");
  add_overwrite_flag(*command, flags->existing);
  command->footer(
      "Exit codes: 0 done, 2 settings, 3 more failed sessions than max_failures,\n"
      "75 interrupted: the same command goes on.\n\n"
      "Example:\n"
      "  sqpsych generate work/profiles --config configs/generate/demo.json \\\n"
      "    --limit 24 --output work/sessions");
  command->callback([flags, &result] { result = run(*flags); });
}

}  // namespace sqpsych
