#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "generate/agents/agent.h"

namespace sqpsych {

/// An agent and the worker of its backend: who can speak in a session, by agent name.
struct Player {
  const Agent* agent = nullptr;
  BackendWorker* worker = nullptr;
};
using Cast = std::map<std::string, Player>;

/// What is done about replies that cannot stand.
struct ReplyPolicy {
  std::int64_t max_retries = 10;      ///< for empty and repeated replies, each with a new seed
  std::string on_truncated = "trim";  ///< trim | keep | fail
};

/// An utterance of a session, or why there is none.
struct Spoken {
  std::optional<SessionMessage> message;
  bool ended = false;  ///< the agent used the end token; it is not in the message
  std::optional<SessionFailure> failure;
  bool bare_end = false;  ///< nothing but the end token, on every try
};

/// Lets one agent say one new line: retries, then its filler if it has any, then a failure.
/// Every try that was rejected, hidden reasoning and every cut are kept in `steps`.
Spoken speak_line(const Player& player, Situation situation, const ReplyPolicy& policy);

}  // namespace sqpsych
