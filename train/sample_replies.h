#pragma once

#include <cstdint>
#include <vector>

#include "core/json.h"
#include "train/setup.h"

namespace sqpsych {

/// Whether `sample_prompts` has conversations, which need a chat template.
bool has_chat_samples(const TrainConfig& config);

/// The conversations that `num_sample_replies` asks for: spread evenly over the rows of
/// `sample_prompts`, else of the validation split; each is cut before its last assistant message,
/// and earlier turns are left out where prompt and reply would not fit the context.
std::vector<SamplePrompt> choose_sample_prompts(const TrainingSetup& setup);

/// One record (schema sqpsych.sample/1) per prompt from the model as it is now.
std::vector<Json> sample_replies(const TrainingSetup& setup, std::int64_t step);

}  // namespace sqpsych
