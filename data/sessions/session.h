#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/json.h"

namespace sqpsych {

/// One utterance. `speaker` is counselor or client; history is speaker-neutral.
struct SessionMessage {
  std::string speaker;
  std::string text;
  std::string agent;
  std::string model;
  std::string prompt_sha256;  ///< of the prompt template
  Json sampling = Json::object();
  std::uint64_t seed = 0;
  std::int64_t prompt_tokens = 0;
  std::int64_t completion_tokens = 0;
  double seconds = 0;
  Json steps = Json::array();  ///< tries, plans, candidates, verdicts
  Json unknown = Json::object();
};

struct SessionFailure {
  std::string where;
  std::string reason;
};

/// One session (schema sqpsych.session/1).
struct Session {
  std::string id;
  std::string client_id;
  std::string occasion;
  std::string strategy;
  std::int64_t replicate = 0;
  std::uint64_t seed = 0;
  std::string status;       ///< complete | failed
  std::string stop_reason;  ///< end_token | max_turns | failed | refused | interrupted
  std::vector<SessionMessage> messages;
  Json risk = Json::object();
  std::optional<SessionFailure> failure;
  Json unknown = Json::object();  ///< includes group, backend, reproducible, corpus fields
};

Json to_json(const Session& session);
/// Unknown keys are kept, wrong types refused: FormatError names `where` (file:line) and the key.
Session session_from_json(const Json& record, const std::string& where);
/// All sessions of a JSON Lines file; an id that comes twice is a FormatError.
std::vector<Session> read_sessions(const std::filesystem::path& file);

}  // namespace sqpsych
