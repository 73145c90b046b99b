#pragma once

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
  /// sha256 of prompts, grammars and crisis texts by name.
  Json fingerprint() const;
  /// Dotted config keys that may change between two runs of one folder.
  std::vector<std::string> free_keys() const;
  /// Prompt and crisis texts by the name they get in RUN/prompts.
  std::map<std::string, std::string> prompt_texts() const;
  const std::string& crisis_text(const std::string& language) const;

  /// Throws what open() would, without loading weights or asking a server.
  void check_backends() const;
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

 private:
  void make_backends(const ConfigOrigin& origin, ProblemList& problems);
  void make_agents(const std::set<std::string>& groups, const std::vector<std::string>& languages,
                   ProblemList& problems);
  void read_crisis_texts(const std::vector<std::string>& languages, ProblemList& problems);

  GenerateConfig config_;
  std::unique_ptr<Strategy> strategy_;
  std::map<std::string, std::unique_ptr<Backend>> backends_;
  std::map<std::string, Agent> agents_;
  std::map<std::string, std::string> crisis_texts_;
};

}  // namespace sqpsych
