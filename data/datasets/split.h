#pragma once

#include <array>
#include <map>
#include <string>
#include <vector>

#include "data/datasets/dataset_config.h"
#include "data/datasets/source_session.h"

namespace sqpsych {

inline constexpr std::array<const char*, 3> kSplitNames = {"train", "validation", "test"};

/// client_id -> index into kSplitNames. ConfigError (all problems together) when a client would be
/// in two splits, a column holds something else than a split, or a listed client does not exist.
std::map<std::string, int> split_clients(const std::vector<SourceSession>& sessions,
                                         const SplitConfig& config);

}  // namespace sqpsych
