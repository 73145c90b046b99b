#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/json.h"
#include "core/settings.h"
#include "models/message.h"
#include "models/sampling_options.h"

namespace sqpsych {

/// One line of the speaker-neutral history.
struct Utterance {
  std::string speaker;
  std::string text;
};

/// Where a conversation stands, for backends that do not read prompts. `fields` holds only what
/// the speaking agent may read of the profile (agents/visible_fields.h).
struct Scene {
  std::string speaker;
  std::string language;
  std::vector<Utterance> history;
  Json fields = Json::object();
  std::int64_t turn = 1;       ///< of the exchange this utterance belongs to, from 1
  std::int64_t min_turns = 1;  ///< no agent's end token is accepted before this turn
  std::int64_t max_turns = 1;
  std::uint64_t session_seed = 0;  ///< equal for all utterances of a session
  std::string end_token;
  std::string crisis;  ///< where help can be reached; empty unless the risk protocol holds
};

/// What an agent asks for. `seed` decides every draw.
struct BackendRequest {
  Conversation messages;
  SamplingOptions sampling;
  std::uint64_t seed = 0;
  Scene scene;
};

/// What came back. A failure is a value: `failure` is empty when `text` can be used, else one of
/// timeout | connection | http NNN | malformed | refused | empty | context_full | redirect |
/// interrupted.
struct BackendReply {
  std::string text;
  std::string failure;
  std::string detail;  ///< one sentence for people; never profile content
  std::string
      stop_reason;  ///< end_token | stop_text | max_tokens | context_full | as the server says
  std::string model;
  std::string reasoning;  ///< hidden reasoning that the server kept apart
  std::int64_t prompt_tokens = 0;
  std::int64_t completion_tokens = 0;
  double seconds = 0;             ///< wall-clock; 0 for scripted text
  Json attempts = Json::array();  ///< requests that failed before this reply
  bool ok() const { return failure.empty(); }
};

/// One worker's connection to a backend. Used by one thread; cancel() may come from another one
/// and makes a waiting reply() return `interrupted` soon.
class BackendWorker {
 public:
  virtual ~BackendWorker() = default;
  virtual BackendReply reply(const BackendRequest& request) = 0;
  /// Called before the first request of every session.
  virtual void begin_session() {}
  virtual void cancel() {}
};

/// A source of text, shared by all workers and safe to use from many threads.
class Backend {
 public:
  virtual ~Backend() = default;
  /// The variant's own settings with every default filled in.
  virtual Json resolved_config() const = 0;
  /// True when the same requests give the same replies on every run.
  virtual bool reproducible() const = 0;
  /// Keys of the block that may change between two runs of one folder: they do not change what is
  /// said.
  virtual std::vector<std::string> free_keys() const { return {}; }
  /// Throws what open() would, as far as that can be told without loading weights or asking a
  /// server.
  virtual void check() const {}
  /// Loads or contacts what replies come from, once, before any worker. Throws when it is not
  /// there or must not be used.
  virtual void open() {}
  /// Model, server and versions for the records; complete after open().
  virtual Json provenance() const = 0;
  /// sha256 of every file that decides what is said, by name.
  virtual Json fingerprint() const { return Json::object(); }
  /// Reports profile fields that this backend would use for `speaker` in `language` although the
  /// agent may not read them, and languages it cannot speak.
  virtual void check_agent(const std::string& speaker, const std::vector<std::string>& may_read,
                           const std::string& language, ProblemList& problems) const {
    (void)speaker, (void)may_read, (void)language, (void)problems;
  }
  virtual std::unique_ptr<BackendWorker> connect() = 0;
};

/// What a backend is made from: its block of the config and the run's settings around it.
struct BackendSettings {
  Json block;                    ///< without the key `type`
  std::string where;             ///< for messages: file and key
  std::filesystem::path folder;  ///< paths in the block are relative to it
  std::int64_t workers = 1;
  bool deterministic = true;
};

/// Names of the variants in the order of the list: scripted, openai, embedded.
std::vector<std::string> backend_names();

/// The settings of every variant, as keys of a block `backends.NAME`.
std::vector<Setting> backend_settings();

/// Makes the variant that `block.type` names; nothing is loaded or contacted yet. ConfigError.
std::unique_ptr<Backend> make_backend(const BackendSettings& settings);

}  // namespace sqpsych
