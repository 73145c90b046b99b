#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/json.h"
#include "core/settings.h"
#include "data/profiles/profile.h"
#include "data/sessions/session.h"
#include "generate/agents/utterance.h"

namespace sqpsych {

/// One session that is to be made.
struct SessionTask {
  const Profile* profile = nullptr;
  std::string language;
  std::int64_t replicate = 0;
  std::uint64_t run_seed = 0;
  const RiskProtocol* risk_protocol = nullptr;  ///< null unless the profile's risk calls for it
};

/// What a strategy made of a task. `stop_reason`: end_token | max_turns | failed | refused |
/// interrupted.
struct SessionOutcome {
  std::vector<SessionMessage> messages;
  std::string stop_reason;
  std::optional<SessionFailure> failure;
};

/// How many model calls one session takes.
struct CallBounds {
  std::int64_t least = 0;
  std::int64_t most = 0;
  std::int64_t utterances = 0;  ///< of the longest session
};

/// A graph shape: who speaks when, and when it is over. Immutable; shared by all workers.
class Strategy {
 public:
  virtual ~Strategy() = default;
  /// The graph's settings with every default filled in.
  virtual Json resolved_config() const = 0;
  /// Names of the agents that the graph uses.
  virtual std::vector<std::string> agent_names() const = 0;
  /// Reports what does not fit these agents and groups of clients.
  virtual void check(const std::set<std::string>& agents, const std::set<std::string>& groups,
                     ProblemList& problems) const = 0;
  virtual CallBounds calls_per_session(const std::string& group) const = 0;
  virtual SessionOutcome run(const SessionTask& task, const Cast& cast) const = 0;
};

/// Names of the graph shapes in the order of the list: turn_loop.
std::vector<std::string> strategy_shapes();

/// The settings of every shape, as keys of the block `graph`.
std::vector<Setting> strategy_settings();

/// Makes a strategy of this shape from the config's block `graph`. ConfigError names `where`.
std::unique_ptr<Strategy> make_strategy(const std::string& shape, const Json& graph,
                                        const std::string& where);

}  // namespace sqpsych
