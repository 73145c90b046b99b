#pragma once

#include "train/plan.h"
#include "train/run_folder.h"
#include "train/setup.h"

namespace sqpsych {

/// RUN/adapter or RUN/model (loadable by PEFT or transformers, with tokenizer files and model
/// card), manifest.json, and last of all train_results.json, which says that the run is complete.
void write_results(const RunFolder& folder, const TrainingSetup& setup, const Json& results);

}  // namespace sqpsych
