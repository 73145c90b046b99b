#include "train/ranks.h"

#include <cstdlib>
#include <string>

#include "core/error.h"
#include "core/text.h"

namespace sqpsych {

Ranks join_ranks() {
  for (const char* name : {"WORLD_SIZE", "OMPI_COMM_WORLD_SIZE", "SLURM_STEP_NUM_TASKS"}) {
    const char* value = std::getenv(name);
    if (value && std::string(value) != "1" && std::string(value) != "")
      throw ConfigError(
          format("train: {}: found '{}' processes, expected 1. Start sqpsych train without "
                 "mpirun, srun or torchrun.",
                 name, value));
  }
  return {};
}

}  // namespace sqpsych
