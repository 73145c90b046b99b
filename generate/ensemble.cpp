#include "generate/ensemble.h"

#include "core/hash.h"
#include "core/text.h"

namespace sqpsych {
namespace {

/// Keys of GenerateConfig that change how a run goes but not what a session says.
constexpr const char* kFreeKeys[] = {"workers", "max_failures", "max_failures_in_a_row",
                                     "retry_failed", "sessions_per_profile"};

template <class Map>
std::vector<std::string> keys_of(const Map& map) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : map) keys.push_back(key);
  return keys;
}

/// A connection whose replies are counted.
class CountedWorker : public BackendWorker {
 public:
  CountedWorker(std::unique_ptr<BackendWorker> worker, std::atomic<std::int64_t>& replies)
      : worker_(std::move(worker)), replies_(replies) {}
  BackendReply reply(const BackendRequest& request) override {
    auto reply = worker_->reply(request);
    ++replies_;
    return reply;
  }
  void begin_session() override { worker_->begin_session(); }
  void cancel() override { worker_->cancel(); }

 private:
  std::unique_ptr<BackendWorker> worker_;
  std::atomic<std::int64_t>& replies_;
};

}  // namespace

Ensemble::Ensemble(const GenerateConfig& config, const ConfigOrigin& origin,
                   const std::set<std::string>& groups, const std::set<std::string>& languages)
    : config_(config), strategy_(make_strategy(config.shape, config.graph, origin.where)) {
  ProblemList problems;
  const std::vector<std::string> codes(languages.begin(), languages.end());
  make_backends(origin, problems);
  make_agents(groups, codes, problems);
  if (config_.risk_policy == "protocol") read_risk_protocols(codes, problems);
  const auto names = keys_of(agents_);
  strategy_->check({names.begin(), names.end()}, groups, problems);
  problems.throw_if_any<ConfigError>(origin.where);
}

void Ensemble::make_backends(const ConfigOrigin& origin, ProblemList& problems) {
  for (const auto& [name, block] : config_.backends) {
    try {
      backends_[name] = make_backend({block, format("backends.{}", name), origin.folder,
                                      config_.workers, config_.deterministic});
    } catch (const Error& error) {
      problems.add(error.what());
    }
  }
}

void Ensemble::make_agents(const std::set<std::string>& groups,
                           const std::vector<std::string>& languages, ProblemList& problems) {
  for (const auto& [name, config] : config_.agents) {
    const auto& agent =
        agents_.emplace(name, Agent(name, config, languages, problems)).first->second;
    for (const auto& group : groups)
      if (!config.prompts.empty() && !agent.has_prompt_for(group))
        problems.add(
            format("agents.{}.prompts: found none for the group '{}', expected one for it "
                   "or 'default'",
                   name, group));
    if (!config_.backends.count(config.backend))
      problems.add(format("agents.{}.backend: found '{}', expected one of {}", name, config.backend,
                          quoted_list(keys_of(config_.backends))));
    if (const auto backend = backends_.find(config.backend); backend != backends_.end())
      for (const auto& language : languages)
        backend->second->check_agent(config.speaker, config.may_read, language, problems);
  }
  for (auto& [name, agent] : agents_) {
    std::vector<std::string> others;
    for (const auto& [other_name, other] : agents_)
      if (other.config().speaker != agent.config().speaker)
        others.insert(others.end(), other.config().labels.begin(), other.config().labels.end());
    agent.set_other_labels(std::move(others));
  }
}

void Ensemble::read_risk_protocols(const std::vector<std::string>& languages,
                                   ProblemList& problems) {
  for (const auto& language : languages) {
    try {
      risk_protocols_[language] =
          read_risk_protocol(path_for_language(config_.crisis.path, language));
    } catch (const Error& error) {
      problems.add(format("crisis: {}", error.what()));
    }
  }
}

Json Ensemble::resolved_config() const {
  auto resolved = config_to_json(config_);
  resolved["graph"] = strategy_->resolved_config();
  for (const auto& [name, backend] : backends_) {
    Json block = {{"type", config_.backends.at(name).at("type")}};
    block.update(backend->resolved_config());
    resolved["backends"][name] = std::move(block);
  }
  return resolved;
}

Json Ensemble::fingerprint() const {
  Json files = Json::object();
  for (const auto& [name, text] : prompt_texts()) files["prompts/" + name] = sha256_hex(text);
  for (const auto& [name, backend] : backends_) {
    const auto own = backend->fingerprint();
    for (const auto& [file, hash] : own.items()) files[format("{}: {}", name, file)] = hash;
  }
  return files;
}

std::vector<std::string> Ensemble::free_keys() const {
  std::vector<std::string> keys(std::begin(kFreeKeys), std::end(kFreeKeys));
  for (const auto& [name, backend] : backends_)
    for (const auto& key : backend->free_keys())
      keys.push_back(format("backends.{}.{}", name, key));
  return keys;
}

std::map<std::string, std::string> Ensemble::prompt_texts() const {
  std::map<std::string, std::string> texts;
  for (const auto& [name, agent] : agents_)
    for (const auto& [file, prompt] : agent.prompt_files()) texts[file] = prompt->source();
  for (const auto& [language, protocol] : risk_protocols_)
    texts[format("crisis.{}.md", language)] = protocol.source;
  return texts;
}

const RiskProtocol& Ensemble::risk_protocol(const std::string& language) const {
  return risk_protocols_.at(language);
}

void Ensemble::check_backends() const {
  for (const auto& [name, backend] : backends_) backend->check();
}

void Ensemble::open() {
  if (is_open_) return;
  for (auto& [name, backend] : backends_) backend->open();
  is_open_ = true;
}

Json Ensemble::provenance() const {
  Json all = Json::object();
  for (const auto& [name, backend] : backends_) all[name] = backend->provenance();
  return all;
}

bool Ensemble::reproducible() const {
  for (const auto& [name, backend] : backends_)
    if (!backend->reproducible()) return false;
  return true;
}

std::unique_ptr<Ensemble::Stage> Ensemble::connect() {
  auto stage = std::make_unique<Stage>();
  for (auto& [name, backend] : backends_)
    stage->workers[name] = std::make_unique<CountedWorker>(backend->connect(), replies_);
  for (const auto& [name, agent] : agents_)
    stage->cast[name] = {&agent, stage->workers.at(agent.config().backend).get()};
  return stage;
}

void Ensemble::Stage::begin_session() {
  for (auto& [name, worker] : workers) worker->begin_session();
}

void Ensemble::Stage::cancel() {
  for (auto& [name, worker] : workers) worker->cancel();
}

}  // namespace sqpsych
