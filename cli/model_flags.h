#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "models/model.h"

namespace sqpsych {

/// --model and --adapter, as the commands that run a model take them.
struct ModelFlags {
  std::string model;
  std::string adapter;
};
void add_model_flags(CLI::App& command, ModelFlags& flags);
/// Loads what the flags name; progress to stderr.
Model load_flagged_model(const ModelFlags& flags, const ModelOptions& options);

}  // namespace sqpsych
