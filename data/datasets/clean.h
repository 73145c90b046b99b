#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "data/datasets/dataset_config.h"
#include "data/datasets/source_session.h"

namespace sqpsych {

/// What was changed -> how often.
using ChangeCounts = std::map<std::string, std::int64_t>;

/// Applies the changes of `config` to the turns of a session; empty turns go at the end.
void clean_session(const CleanConfig& config, SourceSession& session, ChangeCounts& counts);

}  // namespace sqpsych
