#pragma once

#include <atomic>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "generate/generate_config.h"
#include "generate/strategies/strategy.h"

namespace sqpsych {

/// Where a config was read from: for messages and for paths in its variant blocks.
struct ConfigOrigin {
  std::string where;
  std::filesystem::path folder;
};

/// Backends, agents and strategy of one config, checked against each other and against the groups
/// and languages of the profiles. Nothing is loaded or contacted before open().
class Ensemble {
 public:
  /// One ConfigError with all problems.
  Ensemble(const GenerateConfig& config, const ConfigOrigin& origin,
           const std::set<std::string>& groups, const std::set<std::string>& languages);

  const Strategy& strategy() const { return *strategy_; }
  /// The config with every default of every variant filled in.
  Json resolved_config() const;
  /// sha256 of prompts, crisis texts and what the backends speak from, by name.
  Json fingerprint() const;
  /// Dotted config keys that may change between two runs of one folder.
  std::vector<std::string> free_keys() const;
  /// Prompt and crisis texts by the name they get in RUN/prompts.
  std::map<std::string, std::string> prompt_texts() const;
  const RiskProtocol& risk_protocol(const std::string& language) const;

  /// Throws what open() would, without loading weights or asking a server.
  void check_backends() const;
  /// Once; later calls do nothing.
  void open();
  Json provenance() const;
  bool reproducible() const;

  /// One worker's connections and the cast that speaks through them.
  struct Stage {
    std::map<std::string, std::unique_ptr<BackendWorker>> workers;
    Cast cast;
    void begin_session();
    void cancel();
  };
  std::unique_ptr<Stage> connect();
  /// Replies that all stages together have got so far, failed ones included.
  std::int64_t replies() const { return replies_; }

 private:
  void make_backends(const ConfigOrigin& origin, ProblemList& problems);
  void make_agents(const std::set<std::string>& groups, const std::vector<std::string>& languages,
                   ProblemList& problems);
  void read_risk_protocols(const std::vector<std::string>& languages, ProblemList& problems);

  GenerateConfig config_;
  std::unique_ptr<Strategy> strategy_;
  std::map<std::string, std::unique_ptr<Backend>> backends_;
  std::map<std::string, Agent> agents_;
  std::map<std::string, RiskProtocol> risk_protocols_;  ///< by language
  std::atomic<std::int64_t> replies_{0};
  bool is_open_ = false;
};

}  // namespace sqpsych
