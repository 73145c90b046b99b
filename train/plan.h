#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "train/memory.h"
#include "train/setup.h"

namespace sqpsych {

/// What a training will do, known before its first step.
struct TrainingPlan {
  std::int64_t steps_per_epoch = 0;
  std::int64_t total_steps = 0;
  std::int64_t packs_first_epoch = 0;
  std::int64_t longest_pack = 0;  ///< tokens
  std::int64_t tokens_per_epoch = 0;
  std::int64_t trainable_parameters = 0;
  std::int64_t all_parameters = 0;
  MemoryPlan memory;
  std::uint64_t checkpoint_bytes = 0;  ///< on disk, for each
};

TrainingPlan plan_training(const TrainingSetup& setup);

/// ResourceError when the disk has no room for one checkpoint more and the result.
void need_room_for_training(const std::filesystem::path& run, const TrainingPlan& plan);

/// The plan for people, one fact per line.
std::string plan_text(const TrainingSetup& setup, const TrainingPlan& plan);

}  // namespace sqpsych
