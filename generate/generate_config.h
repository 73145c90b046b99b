#pragma once

#include <map>
#include <string>

#include "core/settings.h"
#include "generate/agents/agent.h"

namespace sqpsych {

/// configs/generate/*.json. `graph` and the blocks in `backends` are read by the variant that
/// `shape` and `type` name.
struct GenerateConfig {
  std::string strategy;
  std::string shape = "turn_loop";
  Json graph = Json::object();
  std::map<std::string, AgentConfig> agents;
  std::map<std::string, Json> backends;
  std::string language = "profile";
  std::int64_t seed = 666;
  std::int64_t workers = 1;
  bool deterministic = true;
  std::int64_t sessions_per_profile = 1;
  std::string risk_policy = "exclude";
  ConfigPath crisis;
  std::int64_t max_failures = 0;
  std::int64_t max_failures_in_a_row = 10;
  bool retry_failed = true;

  template <class Visitor>
  void fields(Visitor& visit) {
    visit("strategy", strategy, "name of this protocol, kept in every session");
    visit("shape", shape, "graph shape: how agents take turns");
    visit("graph", graph, "settings of the shape");
    visit("agents", agents, "who speaks, by name");
    visit("backends", backends, "where text comes from, by name; each has a `type`");
    visit("language", language,
          "of the sessions: a code such as en, or profile: as the profile says");
    visit("seed", seed, "every draw of the run comes from it", at_least(0));
    visit("workers", workers, "sessions in progress at the same time", between(1, 1024));
    visit("deterministic", deterministic, "embedded models: the same sessions on every run");
    visit("sessions_per_profile", sessions_per_profile, "replicates of every profile", at_least(1));
    visit("risk_policy", risk_policy,
          "profiles with a positive risk item are left out, marked, or get the protocol",
          one_of({"exclude", "mark", "protocol"}));
    visit("crisis", crisis, "text of the risk protocol; {language} in the path is replaced");
    visit("max_failures", max_failures, "more failed sessions than this are exit code 3",
          at_least(0));
    visit("max_failures_in_a_row", max_failures_in_a_row, "the run stops after so many",
          at_least(1));
    visit("retry_failed", retry_failed, "the next run tries failed sessions again");
  }

  void check(ProblemList& problems) const {
    if (strategy.empty()) problems.add("strategy: found nothing, expected a name");
    if (agents.empty()) problems.add("agents: found nothing, expected at least one");
    if (backends.empty()) problems.add("backends: found nothing, expected at least one");
    if (risk_policy == "protocol" && crisis.empty())
      problems.add(
          "crisis: found nothing, expected the protocol's text file for risk_policy 'protocol'");
  }
};

/// All settings, with those of every graph shape and backend in their blocks.
std::vector<Setting> generate_settings();

}  // namespace sqpsych
