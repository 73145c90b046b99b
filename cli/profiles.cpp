#include <iostream>

#include "cli/command.h"
#include "core/log.h"
#include "data/profiles/profile_run.h"

namespace sqpsych {
namespace {

struct ProfilesFlags {
  ConfigFlags config;
  std::vector<std::string> answers;
  std::vector<std::string> questionnaires;
  std::string output;
  Existing existing = Existing::kRefuse;
};

ExitCode run(const ProfilesFlags& flags) {
  const auto config = load_config<ProfilesConfig>(flags.config.config, flags.config.sets);
  if (printed_config(flags.config, config_to_json(config))) return ExitCode::kDone;
  if (flags.answers.empty())
    throw ConfigError("profiles: ANSWERS: found none, expected at least one file");
  if (flags.output.empty() && !flags.config.check)
    throw ConfigError("profiles: --output: found none, expected the folder to write");
  ProfileRunOptions options;
  options.answers.assign(flags.answers.begin(), flags.answers.end());
  options.questionnaire_folders.assign(flags.questionnaires.begin(), flags.questionnaires.end());
  options.output = flags.output;
  options.existing = flags.existing;
  options.check_only = flags.config.check;
  const ProfileCounts counts = run_profiles(config, options);
  std::cout << counts_text(counts);
  if (flags.config.check)
    std::cout << "checked   nothing was written\n";
  else
    std::cout << "written   " << flags.output << "/profiles.jsonl (skipped rows: skipped.jsonl)\n";
  if (!config.max_failures || counts.faulty <= *config.max_failures) return ExitCode::kDone;
  log_warning(format("profiles: found {} faulty rows, expected at most max_failures = {}",
                     counts.faulty, *config.max_failures));
  return ExitCode::kTooManyFailures;
}

}  // namespace

void add_profiles_command(CLI::App& app, ExitCode& result) {
  auto* command = app.add_subcommand(
      "profiles", "questionnaire answers (CSV, SPSS, SAS, Stata) -> profiles.jsonl and links/");
  auto flags = std::make_shared<ProfilesFlags>();
  command->add_option("ANSWERS", flags->answers,
                      "answer files; several are joined by the mapping's key");
  add_config_flags(*command, flags->config, ConfigFile::kRequired, settings_of<ProfilesConfig>);
  command->add_option("--output", flags->output, "folder to write");
  command
      ->add_option("--questionnaires", flags->questionnaires,
                   "folder with questionnaires of your own (repeatable)")
      ->type_size(1)
      ->expected(1, -1)
      ->allow_extra_args(false);
  add_overwrite_flag(*command, flags->existing);
  command->footer(
      "Exit codes: 0 done, 2 settings, 3 more faulty rows than max_failures.\n\n"
      "Example:\n"
      "  sqpsych profiles configs/examples/answers.csv \\\n"
      "    --config configs/profiles/example.json --output work/profiles");
  command->callback([flags, &result] { result = run(*flags); });
}

}  // namespace sqpsych
