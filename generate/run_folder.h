#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/file_lock.h"
#include "core/files.h"
#include "core/json.h"
#include "core/json_lines.h"
#include "data/sessions/session.h"

namespace sqpsych {

inline constexpr const char* kSessionsFile = "sessions.jsonl";
inline constexpr const char* kJournalFile = "journal.jsonl";

/// What is known of a finished session without reading it again.
struct SessionRecord {
  bool complete = false;
  std::string stop_reason;
  std::string failure;  ///< the reason without its details
  std::int64_t utterances = 0;
  std::int64_t prompt_tokens = 0;
  std::int64_t completion_tokens = 0;
};
SessionRecord summary_of(const Session& session);

/// What must not change between two runs in the same folder.
struct RunIdentity {
  Json config;                         ///< resolved
  Json inputs;                         ///< sha256 by name: profiles, prompts, grammars, models
  std::vector<std::string> free_keys;  ///< dotted config keys that may change
};

/// ConfigError when a run with this identity could not begin or go on in `path`: it holds something
/// else than a run, or (with the differences) a run of another config or other inputs.
void check_run_folder(const std::filesystem::path& path, const RunIdentity& identity,
                      Existing existing);

/// The output folder of `generate`. While sessions are being made they are lines of journal.jsonl;
/// sessions.jsonl is written from them in the plan's order when a run ends and the journal is
/// removed, so that a folder without a journal is a finished one. Held by one process at a time.
class RunFolder {
 public:
  /// Takes the folder's lock. ConfigError when another process holds it, and as
  /// check_run_folder().
  RunFolder(const std::filesystem::path& path, const RunIdentity& identity, Existing existing);
  const std::filesystem::path& path() const { return path_; }
  /// Sessions that are already there, by id.
  const std::map<std::string, SessionRecord>& records() const { return records_; }
  /// Bytes of a half-written last line that were dropped from the journal.
  std::uint64_t dropped_bytes() const { return dropped_bytes_; }

  void write_prompts(const std::map<std::string, std::string>& texts) const;
  /// Thread-safe; the line is on disk when this returns.
  void append(const Session& session);
  /// Writes sessions.jsonl in the order of `ids`, then removes the journal.
  void finish(const std::vector<std::string>& ids);

 private:
  void start_over() const;
  void read_records(const std::filesystem::path& file);

  std::filesystem::path path_;
  FileLock lock_;
  std::uint64_t dropped_bytes_ = 0;
  std::map<std::string, SessionRecord> records_;
  std::mutex mutex_;
  std::unique_ptr<JsonLinesAppender> journal_;
};

/// Differences of two JSON values as `key: found X, expected Y`, leaving out `free_keys`. Absolute
/// paths are compared by their last name: their content is compared by hash.
std::vector<std::string> json_differences(const Json& found, const Json& expected,
                                          const std::vector<std::string>& free_keys);

}  // namespace sqpsych
