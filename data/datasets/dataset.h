#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "core/files.h"
#include "data/datasets/clean.h"
#include "data/datasets/dataset_config.h"
#include "data/datasets/dataset_row.h"
#include "data/datasets/filters.h"
#include "data/datasets/source_session.h"
#include "data/datasets/split.h"

namespace sqpsych {

struct SplitCounts {
  std::int64_t clients = 0;
  std::int64_t sessions = 0;
  std::int64_t rows = 0;
  std::int64_t replies = 0;  ///< counselor turns trained on
  double seen_in_train =
      0;  ///< share of the split's utterances that stand in train too; 0 for train
};

/// Everything that happened between the files and the rows.
struct DatasetReport {
  std::map<std::string, std::string> formats;  ///< file -> importer that read it
  std::int64_t records = 0;
  std::int64_t sessions = 0;  ///< read, before filters
  std::int64_t clients = 0;   ///< of these sessions
  std::vector<BadRecord> bad;
  std::vector<DroppedSession> dropped;
  ChangeCounts changes;
  std::map<std::string, std::int64_t> dropped_by_filter;
  std::array<SplitCounts, 3> splits;
  double repeated_share = 0;  ///< of all utterances that stayed

  std::int64_t rows() const;
  Json to_json() const;
  /// Counts as lines for people; no text of any session.
  std::string text() const;
};

struct Dataset {
  std::array<std::vector<DatasetRow>, 3> splits;  ///< in the order of kSplitNames
  std::vector<std::string> languages;             ///< of the sessions, when they say so
  DatasetReport report;
};

/// Reads `files`, cleans, filters, splits by client and makes rows. Bad records and dropped
/// sessions are in the report; ConfigError / FormatError for what makes the whole impossible (no
/// session left ...).
Dataset build_dataset(const std::vector<std::filesystem::path>& files, const DatasetConfig& config);

/// Writes train.jsonl, validation.jsonl, test.jsonl, dropped.jsonl, dataset_info.json, README.md
/// and manifest.json; the folder appears as a whole or not at all.
void write_dataset(const Dataset& dataset, const std::vector<std::filesystem::path>& files,
                   const DatasetConfig& config, const std::filesystem::path& output,
                   Existing existing);

/// README.md with the front matter of the hub, and LLaMA-Factory's dataset_info.json.
std::string data_card(const Dataset& dataset, const DatasetConfig& config);
Json dataset_info(const Dataset& dataset, const DatasetConfig& config);

}  // namespace sqpsych
