#pragma once

#include <filesystem>
#include <optional>

#include "core/file_lock.h"
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
  std::filesystem::path lock() const { return path / "training.lock"; }
  std::filesystem::path results() const { return path / "train_results.json"; }
  std::filesystem::path result(bool is_adapter) const {
    return path / (is_adapter ? "adapter" : "model");
  }
};

/// ConfigError unless the request's output is free, empty or a training's run folder that holds
/// none of its inputs. Cheap: to be called before anything is loaded.
RunFolder claim_run_folder(const TrainRequest& request);

/// Compares an earlier run in the folder with what the setup would train: ConfigError names every
/// setting and every data or model file that changed. No earlier run: nothing to compare.
void check_same_run(const RunFolder& folder, const TrainingSetup& setup);

/// Makes the folder as a whole with config.json and inputs.json, unless it holds a run already;
/// with `restart` that run is replaced. Takes the folder's lock: ConfigError when another process
/// trains in it.
void open_run_folder(const RunFolder& folder, const TrainingSetup& setup, bool restart,
                     FileLock& lock);

}  // namespace sqpsych
