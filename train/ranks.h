#pragma once

#include <cstdint>

namespace sqpsych {

/// The processes that train one model together. This build knows the group of one; what a step
/// divides by (rows, supervised tokens) is always counted over the whole group.
struct Ranks {
  std::int64_t rank = 0;
  std::int64_t size = 1;
};

/// ConfigError when a launcher (mpirun, srun, torchrun) started more than one process.
Ranks join_ranks();

}  // namespace sqpsych
