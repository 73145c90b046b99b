#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "data/datasets/dataset_row.h"
#include "data/packing/row_plan.h"
#include "models/model.h"
#include "train/objectives/objective.h"
#include "train/trainable.h"
#include "train/training.h"

namespace sqpsych {

/// Rows of one split, ready to be packed.
struct SplitRows {
  std::filesystem::path file;
  std::vector<DatasetRow> dataset_rows;
  std::vector<TokenizedRow> rows;
  RowPlanReport report;
  /// Supervised units of these rows, by the objective's count.
  std::int64_t units = 0;
};

/// A conversation that is answered at every evaluation.
struct SamplePrompt {
  std::string id;
  Json prompt;  ///< messages, or the raw text
  std::string reference;
  std::vector<TokenId> ids;
};

/// Everything a training works on, loaded and checked.
struct TrainingSetup {
  TrainConfig config;  ///< max_length resolved
  std::unique_ptr<Model> model;
  std::unique_ptr<ChatTemplate> chat_template;  ///< null when every row is raw text
  std::unique_ptr<Trainable> trainable;
  const Objective* objective = nullptr;
  SplitRows train;
  SplitRows validation;  ///< empty when nothing is evaluated
  std::vector<SamplePrompt> samples;
  std::string client_ids_sha256;
  std::int64_t num_clients = 0;
  /// What must be equal for a run to go on: names and hashes of data and model files.
  Json inputs;

  StepLayout layout(std::int64_t rows_per_pack) const {
    return {config.packing, config.row_plan.max_length, rows_per_pack};
  }
};

/// Loads model and data. Errors name what is missing or wrong: no rows, a row without a supervised
/// token, a missing validation file, a GGUF file in place of a folder.
TrainingSetup prepare_training(const TrainRequest& request);

}  // namespace sqpsych
