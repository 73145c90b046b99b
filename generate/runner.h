#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "core/error.h"
#include "core/files.h"
#include "generate/ensemble.h"
#include "generate/session_plan.h"

namespace sqpsych {

struct RunOptions {
  std::filesystem::path profiles;
  std::filesystem::path output;
  Existing existing = Existing::kRefuse;
  std::optional<std::int64_t> limit;
  Shard shard;
};

/// What a run would do.
struct RunForecast {
  std::int64_t profiles = 0;
  std::int64_t excluded_by_risk = 0;
  std::int64_t sessions = 0;
  std::int64_t least_calls = 0;
  std::int64_t most_calls = 0;
  std::uint64_t most_bytes = 0;
  std::string text() const;
};

/// What a run folder holds after a run, and what this run did.
struct RunSummary {
  std::int64_t planned = 0;
  std::int64_t found = 0;                      ///< finished by earlier runs
  std::int64_t complete = 0;                   ///< of the planned ones
  std::map<std::string, std::int64_t> failed;  ///< by reason
  std::map<std::string, std::int64_t> stops;   ///< complete sessions by stop reason
  std::int64_t excluded_by_risk = 0;
  std::int64_t utterances = 0;
  std::int64_t prompt_tokens = 0;
  std::int64_t completion_tokens = 0;
  double seconds = 0;
  std::int64_t max_failures = 0;
  bool stopped_early = false;     ///< too many failures in a row
  std::filesystem::path records;  ///< the file that holds the sessions

  std::int64_t failed_count() const;
  ExitCode exit_code() const;
  Json to_json() const;
  std::string text() const;
};

/// Validates everything without calling a model.
RunForecast forecast_run(const GenerateConfig& config, const ConfigOrigin& origin,
                         const RunOptions& options);

/// Makes the sessions that are not there yet and writes sessions.jsonl. Interrupted when a signal
/// came: what was finished is kept, the same call goes on.
RunSummary run_generation(const GenerateConfig& config, const ConfigOrigin& origin,
                          const RunOptions& options);

}  // namespace sqpsych
