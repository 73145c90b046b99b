#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/files.h"
#include "core/settings.h"

namespace sqpsych {

/// The flags that commands with a config share. Paths given to --set are taken as they are.
struct ConfigFlags {
  std::string config;
  std::vector<std::string> sets;
  bool check = false;
  bool print_config = false;
};
enum class ConfigFile { kOptional, kRequired };
/// Adds --config, --set, --check, --print-config, and --settings, which lists what `settings`
/// gives.
void add_config_flags(CLI::App& command, ConfigFlags& flags, ConfigFile file,
                      std::vector<Setting> (*settings)());
/// Adds --overwrite bound to `existing`.
void add_overwrite_flag(CLI::App& command, Existing& existing);
/// ConfigError naming the first of `paths` where nothing is. `argument` as the help names it.
void need_inputs(const std::string& argument, const std::vector<std::string>& paths);
/// Prints the resolved config to stdout and returns true when --print-config was given.
bool printed_config(const ConfigFlags& flags, const Json& resolved);

/// Sets up one subcommand: its flags, its help with a working example, its callback. The callback's
/// result becomes the process's exit code; errors are thrown.
/// Every command is one file cli/NAME.cpp plus one line in main.cpp's list.
using AddCommand = void (*)(CLI::App& app, ExitCode& result);

}  // namespace sqpsych
