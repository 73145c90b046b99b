#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <optional>
#include <string>

#include "models/model.h"

namespace sqpsych {

/// --model and --adapter, as the commands that run a model take them.
struct ModelFlags {
  std::string model;
  std::string adapter;
};
void add_model_flags(CLI::App& command, ModelFlags& flags);
/// `adapter` as a path, none when it is empty. ConfigError when no folder is there.
std::optional<std::filesystem::path> adapter_folder(const std::string& adapter);
/// Loads what the flags name; for a check only its outline (models/model.h).
Model load_flagged_model(const ModelFlags& flags, const ModelOptions& options, bool is_check);

}  // namespace sqpsych
