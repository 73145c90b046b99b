#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>

#include "train/config.h"

namespace sqpsych {

/// One training: a model folder, data, and the run folder that keeps everything.
struct TrainRequest {
  TrainConfig config;
  std::filesystem::path model;
  std::filesystem::path
      data;  ///< folder with train.jsonl (and validation.jsonl), or one JSONL file
  std::filesystem::path output;
  bool restart = false;  ///< removes what an earlier training left in `output`
  /// Called after every optimizer step with the number of steps done; may be empty.
  std::function<void(std::int64_t)> after_step;
};

struct TrainOutcome {
  std::int64_t steps = 0;
  bool was_finished = false;  ///< nothing was left to do
  bool stopped_early = false;
  std::filesystem::path result;  ///< RUN/adapter or RUN/model
};

/// Trains, or goes on from the newest complete checkpoint in `output`. What it does step by step:
/// train/README.md. Interrupted: a checkpoint is saved, exit code 75.
TrainOutcome train(const TrainRequest& request);

/// Validates everything and returns what train() would do, for --check. Writes nothing.
std::string check_training(const TrainRequest& request);

}  // namespace sqpsych
