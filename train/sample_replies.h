#pragma once

#include <cstdint>
#include <vector>

#include "core/json.h"
#include "train/setup.h"

namespace sqpsych {

/// What `num_sample_replies` chooses from: `sample_prompts`, else the validation split; nothing
/// where no replies are wanted.
std::vector<DatasetRow> sample_rows(const TrainingSetup& setup);

/// The conversations that `num_sample_replies` asks for, spread evenly over `rows`; each is cut
/// before its last assistant message, and earlier turns are left out where prompt and reply would
/// not fit the context.
std::vector<SamplePrompt> choose_sample_prompts(const TrainingSetup& setup,
                                                const std::vector<DatasetRow>& rows);

/// One record (schema sqpsych.sample/1) per prompt from the model as it is now.
std::vector<Json> sample_replies(const TrainingSetup& setup, std::int64_t step);

}  // namespace sqpsych
