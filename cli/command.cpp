#include "cli/command.h"

#include <iostream>

namespace sqpsych {

void add_config_flags(CLI::App& command, ConfigFlags& flags, ConfigFile file,
                      std::vector<Setting> (*settings)()) {
  command.add_option("--config", flags.config, "settings file (JSON with comments)")
      ->required(file == ConfigFile::kRequired);
  // Without allow_extra_args(false) CLI11 2.1 lets --set swallow the positionals behind it.
  command.add_option("--set", flags.sets, "override one setting: a.b=value (repeatable)")
      ->type_size(1)
      ->expected(1, -1)
      ->allow_extra_args(false);
  command.add_flag("--check", flags.check,
                   "validate everything, say what would happen, do nothing");
  command.add_flag("--print-config", flags.print_config, "print the resolved settings and stop");
  command.add_flag_callback(
      "--settings",
      [settings] {
        std::cout << settings_text(settings());
        throw CLI::Success();
      },
      "list every setting with its default and meaning, and stop");
}

void add_overwrite_flag(CLI::App& command, Existing& existing) {
  command.add_flag_callback(
      "--overwrite", [&existing] { existing = Existing::kOverwrite; },
      "replace an existing output");
}

void need_inputs(const std::string& argument, const std::vector<std::string>& paths) {
  for (const auto& path : paths)
    if (!std::filesystem::exists(path))
      throw ConfigError(format("{}: '{}': found nothing there. Check the path.", argument, path));
}

bool printed_config(const ConfigFlags& flags, const Json& resolved) {
  if (!flags.print_config) return false;
  std::cout << resolved.dump(2) << "\n";
  return true;
}

}  // namespace sqpsych
