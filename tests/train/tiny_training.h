#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "tests/support/temporary_folder.h"
#include "train/setup.h"
#include "train/trainer.h"

namespace sqpsych::testing {

/// So many rows of random ids, each of `shortest` to `longest` tokens.
struct RandomRows {
  std::int64_t count = 13;
  std::uint64_t shortest = 4;
  std::uint64_t longest = 23;
};

/// A decoder with random weights (of config.model.dtype) and random rows: everything a training
/// needs but a tokenizer. Equal arguments give equal setups.
TrainingSetup setup_of(const TrainConfig& config, const DecoderFeatures& features,
                       const RandomRows& train, const RandomRows& validation = {4});

/// The same with a tiny two-layer decoder.
TrainingSetup tiny_setup(const TrainConfig& config, std::int64_t num_rows = 13,
                         std::int64_t num_validation_rows = 4);

/// A config with small numbers: max_length 48, 2 x 2 rows per step, 6 steps, no evaluation.
TrainConfig tiny_config(const std::string& method);

/// One whole gradient of the first step, by parameter name, and the loss under "loss".
std::map<std::string, at::Tensor> first_gradient(const TrainConfig& config);

/// Mean over all supervised tokens of these rows, each run alone, in double precision.
double mean_loss(const TrainingSetup& setup, const SplitRows& split,
                 const std::vector<std::size_t>& rows);

/// Runs a training in `folder`: weights by name afterwards.
std::map<std::string, at::Tensor> run_tiny(const TrainConfig& config,
                                           const std::filesystem::path& folder,
                                           std::int64_t interrupt_behind_step = 0);

/// metrics.jsonl without the wall-clock keys, one line per record.
std::string metrics_without_clock(const std::filesystem::path& run);

}  // namespace sqpsych::testing
