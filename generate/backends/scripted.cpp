#include <algorithm>

#include "core/random.h"
#include "core/settings.h"
#include "core/text.h"
#include "generate/backends/backend.h"
#include "generate/backends/grammar.h"

namespace sqpsych {
namespace {

struct ScriptedConfig {
  std::map<std::string, ConfigPath> grammars;

  template <class Visitor>
  void fields(Visitor& visit) {
    visit("grammars", grammars, "grammar folder by language");
  }
  void check(ProblemList& problems) const {
    if (grammars.empty()) problems.add("grammars: found nothing, expected a folder by language");
  }
};

/// Where a turn stands in the planned course of the session.
struct Moment {
  std::string stage;
  std::int64_t turn_of_stage = 0;  ///< from 0
};

std::int64_t planned_turns(const Grammar& grammar, const Scene& scene) {
  RandomStream random(derive_seed({static_cast<std::int64_t>(scene.session_seed), "turns"}));
  const auto range = static_cast<std::uint64_t>(grammar.longest_turns() - grammar.shortest_turns());
  const auto drawn = grammar.shortest_turns() + static_cast<std::int64_t>(random.below(range + 1));
  return std::min(std::max(drawn, scene.min_turns), scene.max_turns);
}

/// Turns of every stage for a session of this length. Stages with a weight share what the others
/// leave; of a session that is too short, the middle is left out.
std::vector<std::int64_t> stage_lengths(const std::vector<Stage>& stages, std::int64_t turns) {
  std::vector<std::int64_t> lengths;
  std::int64_t needed = 0, weights = 0;
  for (const auto& stage : stages) {
    lengths.push_back(std::max<std::int64_t>(1, stage.turns));
    needed += lengths.back();
    weights += stage.weight;
  }
  for (std::size_t i = stages.size() / 2; needed > turns && stages.size() > 1;
       i = (i + 1) % (stages.size() - 1)) {
    if (lengths[i] == 0) continue;
    --lengths[i];
    --needed;
  }
  const auto extra = std::max<std::int64_t>(0, turns - needed);
  std::int64_t given = 0, seen = 0;
  for (std::size_t i = 0; weights > 0 && i < stages.size(); ++i) {
    seen += stages[i].weight;
    const auto share = extra * seen / weights - given;
    lengths[i] += share;
    given += share;
  }
  return lengths;
}

Moment moment_of(const Grammar& grammar, const Scene& scene) {
  const auto& stages = grammar.stages();
  const auto lengths = stage_lengths(stages, planned_turns(grammar, scene));
  auto turn = scene.turn - 1;
  for (std::size_t i = 0; i < stages.size(); ++i) {
    if (turn < lengths[i]) return {stages[i].name, turn};
    turn -= lengths[i];
  }
  return {stages.back().name, turn + lengths.back()};
}

bool word_begins(const std::string& lower_text, const std::string& keyword) {
  for (auto at = lower_text.find(keyword); at != std::string::npos;
       at = lower_text.find(keyword, at + 1)) {
    const auto before = at == 0 ? ' ' : lower_text[at - 1];
    if (!std::isalpha(static_cast<unsigned char>(before)) &&
        static_cast<unsigned char>(before) < 0x80)
      return true;
  }
  return false;
}

std::int64_t keyword_hits(const Topic& topic, const std::string& lower_text) {
  return std::count_if(topic.keywords.begin(), topic.keywords.end(),
                       [&](const auto& keyword) { return word_begins(lower_text, keyword); });
}

/// What a profile says about a topic: the answered item that weighs most.
struct TopicAnswer {
  std::size_t topic = 0;
  double value = -1;
  std::string sentence;
};

std::vector<TopicAnswer> topics_by_weight(const Grammar& grammar, const Scene& scene) {
  std::vector<TopicAnswer> answers;
  const auto& topics = grammar.topics();
  for (std::size_t i = 0; i + 1 < topics.size(); ++i) {
    TopicAnswer answer{i, -1, ""};
    for (const auto& item : scene.fields["items"]) {
      const auto sentence = item["sentence"].get<std::string>();
      if (item["value"].is_null() || keyword_hits(topics[i], to_lower_ascii(sentence)) == 0)
        continue;
      // A clinician's sentence speaks of the client: it weighs, but the client does not say it.
      if (const auto value = item["value"].get<double>(); value > answer.value)
        answer = {i, value, item["rater"] == "self" ? sentence : ""};
    }
    answers.push_back(std::move(answer));
  }
  RandomStream random(derive_seed({static_cast<std::int64_t>(scene.session_seed), "topics"}));
  random.shuffle(answers);
  std::stable_sort(answers.begin(), answers.end(),
                   [](const auto& left, const auto& right) { return left.value > right.value; });
  return answers;
}

/// The topic of the other speaker's last words.
std::string heard_topic(const Grammar& grammar, const Scene& scene) {
  const auto& topics = grammar.topics();
  const auto* best = &topics.back();
  if (scene.history.empty()) return best->name;
  const auto words = to_lower_ascii(scene.history.back().text);
  std::int64_t most = 0;
  for (const auto& topic : topics)
    if (const auto hits = keyword_hits(topic, words); hits > most) {
      most = hits;
      best = &topic;
    }
  return best->name;
}

std::string severity_of(double value) {
  return value < 0 ? "unknown" : value < 1 ? "none" : value < 2 ? "mild" : "marked";
}

void set_topics(const Grammar& grammar, const Scene& scene, const Moment& moment,
                Expansion& state) {
  auto& variables = state.variables;
  if (scene.speaker != "client" || grammar.topics().size() < 3) {
    variables["topic"] = variables["second"] = heard_topic(grammar, scene);
    return;
  }
  const auto answers = topics_by_weight(grammar, scene);
  // Two turns for each topic: one to name it, one to go deeper.
  const auto index = static_cast<std::size_t>(moment.turn_of_stage / 2) % answers.size();
  const auto& answer = answers[index];
  variables["topic"] = grammar.topics()[answer.topic].name;
  variables["second"] = grammar.topics()[answers[(index + 1) % answers.size()].topic].name;
  variables["severity"] = severity_of(answer.value);
  state.slots["answer"] = answer.sentence;
}

Expansion expansion_of(const Grammar& grammar, const Scene& scene, const Moment& moment) {
  Expansion state{grammar, {}, {}, "", scene.session_seed};
  for (const auto& line : scene.history) state.said += to_lower_ascii(line.text) + "\n";
  auto& variables = state.variables;
  for (const auto& [name, values] : grammar.choices()) {
    RandomStream random(derive_seed({static_cast<std::int64_t>(scene.session_seed), name}));
    variables[name] = values[random.below(values.size())];
  }
  variables["position"] = moment.turn_of_stage == 0 ? "first" : "later";
  variables["protocol"] = scene.crisis.empty() ? "no" : "yes";
  if (scene.fields.contains("group")) variables["group"] = scene.fields["group"];
  set_topics(grammar, scene, moment, state);
  state.slots["end_token"] = scene.end_token;
  state.slots["language"] = scene.language;
  state.slots["crisis"] = scene.crisis;
  for (const auto& [name, value] : scene.fields["demographics"].items())
    state.slots["demographics." + name] = value.get<std::string>();
  return state;
}

class ScriptedWorker : public BackendWorker {
 public:
  explicit ScriptedWorker(const std::map<std::string, Grammar>& grammars) : grammars_(grammars) {}

  BackendReply reply(const BackendRequest& request) override {
    const auto& grammar = grammars_.at(request.scene.language);
    const auto moment = moment_of(grammar, request.scene);
    RandomStream random(request.seed);
    BackendReply reply;
    reply.text = expansion_of(grammar, request.scene, moment)
                     .expand(format("{}.{}", request.scene.speaker, moment.stage), random);
    reply.model = "scripted:" + grammar.name();
    reply.stop_reason = "end_token";
    if (reply.text.empty()) reply.failure = "empty";
    return reply;
  }

 private:
  const std::map<std::string, Grammar>& grammars_;
};

/// Text from a grammar: for demos and tests, labelled as such in every record.
class ScriptedBackend : public Backend {
 public:
  explicit ScriptedBackend(const BackendSettings& settings)
      : config_(config_from_json<ScriptedConfig>(settings.block, settings.where, settings.folder)) {
    for (const auto& [language, folder] : config_.grammars) {
      Grammar grammar(folder.path);
      if (grammar.language() != language)
        throw ConfigError(format("{}: grammars.{}: found a grammar for '{}', expected '{}'.",
                                 settings.where, language, grammar.language(), language));
      grammars_.emplace(language, std::move(grammar));
    }
  }

  Json resolved_config() const override { return config_to_json(config_); }
  bool reproducible() const override { return true; }

  Json provenance() const override {
    Json models = Json::object();
    for (const auto& [language, grammar] : grammars_)
      models[language] = "scripted:" + grammar.name();
    return {{"type", "scripted"}, {"models", models}};
  }

  Json fingerprint() const override {
    Json files = Json::object();
    for (const auto& [language, grammar] : grammars_)
      files["grammar " + language] = grammar.sha256();
    return files;
  }

  void check_agent(const std::string& speaker, const std::vector<std::string>& may_read,
                   const std::string& language, ProblemList& problems) const override {
    const auto found = grammars_.find(language);
    if (found == grammars_.end()) {
      problems.add(format("grammars: found none for the language '{}', expected one", language));
      return;
    }
    for (const auto& field : found->second.fields_used_by(speaker)) {
      const auto root = field.substr(0, field.find('.'));
      const auto allowed = [&](const std::string& name) { return name == field || name == root; };
      if (std::none_of(may_read.begin(), may_read.end(), allowed))
        problems.add(
            format("grammar '{}': found that the {} uses '{}', expected only fields in "
                   "may_read ({})",
                   found->second.name(), speaker, field, quoted_list(may_read)));
    }
  }

  std::unique_ptr<BackendWorker> connect() override {
    return std::make_unique<ScriptedWorker>(grammars_);
  }

 private:
  ScriptedConfig config_;
  std::map<std::string, Grammar> grammars_;
};

}  // namespace

std::vector<Setting> scripted_backend_settings() { return settings_of<ScriptedConfig>(); }

std::unique_ptr<Backend> make_scripted_backend(const BackendSettings& settings) {
  return std::make_unique<ScriptedBackend>(settings);
}

}  // namespace sqpsych
