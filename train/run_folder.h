#pragma once

#include <filesystem>
#include <optional>

#include "train/setup.h"

namespace sqpsych {

/// The files of a training's run folder; formats: train/README.md.
struct RunFolder {
  std::filesystem::path path;
  std::filesystem::path config() const { return path / "config.json"; }
  std::filesystem::path inputs() const { return path / "inputs.json"; }
  std::filesystem::path metrics() const { return path / "metrics.jsonl"; }
  std::filesystem::path samples() const { return path / "samples.jsonl"; }
  std::filesystem::path tensorboard() const { return path / "tensorboard"; }
  std::filesystem::path results() const { return path / "train_results.json"; }
  std::filesystem::path result(bool is_adapter) const {
    return path / (is_adapter ? "adapter" : "model");
  }
};

/// ConfigError unless `output` is free, empty or a training's run folder. Cheap: to be called
/// before anything is loaded.
RunFolder claim_run_folder(const std::filesystem::path& output);

/// Compares an earlier run in the folder with what the setup would train: ConfigError names every
/// setting and every data or model file that changed. No earlier run: nothing to compare.
void check_same_run(const RunFolder& folder, const TrainingSetup& setup);

/// Makes the folder as a whole with config.json and inputs.json, unless it holds a run already;
/// with `restart` that run is replaced.
void open_run_folder(const RunFolder& folder, const TrainingSetup& setup, bool restart);

}  // namespace sqpsych
