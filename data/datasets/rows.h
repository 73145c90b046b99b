#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "data/datasets/clean.h"
#include "data/datasets/dataset_config.h"
#include "data/datasets/dataset_row.h"
#include "data/datasets/source_session.h"

namespace sqpsych {

/// What rows need besides their session.
struct RowContext {
  const DatasetConfig& config;
  std::string system;                    ///< the configured system message
  std::vector<std::string> field_names;  ///< fields of the source that every `meta` holds
  bool weighted = false;                 ///< every message of every row carries a weight
};

/// The rows of one session (see DatasetConfig::rows); what had to be left out is counted.
std::vector<DatasetRow> rows_of(const SourceSession& session, const RowContext& context,
                                ChangeCounts& counts);

}  // namespace sqpsych
