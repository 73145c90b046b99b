#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "data/profiles/profile.h"
#include "generate/generate_config.h"

namespace sqpsych {

struct PlannedSession {
  std::string id;           ///< hash(profile, strategy, replicate, run seed)
  std::size_t profile = 0;  ///< index in the plan's profiles
  std::int64_t replicate = 0;
};

/// Every session that a config asks for on a file of profiles, in the order of sessions.jsonl.
struct SessionPlan {
  std::vector<Profile> profiles;
  std::vector<PlannedSession> sessions;
  std::set<std::string> groups;     ///< of the profiles that get sessions
  std::set<std::string> languages;  ///< of the sessions
  std::int64_t risk_positive = 0;
  std::int64_t excluded_by_risk = 0;
  std::int64_t other_language = 0;  ///< profiles whose answers are in another language

  std::string language_of(const PlannedSession& session, const GenerateConfig& config) const;
};

/// FormatError names the line of a bad profile, and of one that is there twice.
SessionPlan plan_sessions(const std::filesystem::path& profiles, const GenerateConfig& config);

/// A part of the plan: `index` of `count`, from 1; sessions of one profile stay together.
struct Shard {
  std::int64_t index = 1;
  std::int64_t count = 1;
};
/// `i/n`; ConfigError otherwise.
Shard parse_shard(const std::string& text);

/// Indices into plan.sessions of this shard, at most `limit`.
std::vector<std::size_t> select_sessions(const SessionPlan& plan, const Shard& shard,
                                         std::optional<std::int64_t> limit);

}  // namespace sqpsych
