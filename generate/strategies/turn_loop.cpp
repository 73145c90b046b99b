#include <algorithm>

#include "core/settings.h"
#include "core/text.h"
#include "generate/strategies/strategy.h"

namespace sqpsych {
namespace {

struct TurnLoopConfig {
  std::vector<std::string> order;
  std::string end_token = "[/END]";
  std::map<std::string, std::int64_t> min_turns;
  std::map<std::string, std::int64_t> agent_min_turns;
  std::vector<std::string> end_by;
  std::int64_t nudge_after_turn = 22;
  std::int64_t max_turns = 33;
  std::int64_t max_retries = 10;
  std::string on_truncated = "trim";
  bool keep_end_token = false;

  template <class Visitor>
  void fields(Visitor& visit) {
    visit("order", order, "agents in the order of speaking; one round of all is one turn");
    visit("end_token", end_token, "text by which an agent ends the session");
    visit("min_turns", min_turns, "first turn at which the session may end, by group or `default`");
    visit("agent_min_turns", agent_min_turns, "later first turns for single agents");
    visit("end_by", end_by, "agents whose end token counts; empty: all");
    visit("nudge_after_turn", nudge_after_turn, "from the next turn on, prompts add their nudge",
          at_least(1));
    visit("max_turns", max_turns, "the session stops after this turn", at_least(1));
    visit("max_retries", max_retries, "further tries for an empty or repeated reply", at_least(0));
    visit("on_truncated", on_truncated,
          "a reply that hit max_tokens is cut to whole sentences, kept, or tried again",
          one_of({"trim", "keep", "fail"}));
    visit("keep_end_token", keep_end_token,
          "write the end token behind the utterance that used it");
  }

  void check(ProblemList& problems) const {
    if (order.size() < 2)
      problems.add(format("order: found {} agents, expected at least two", order.size()));
    if (trim(end_token).empty()) problems.add("end_token: found nothing, expected a text");
    for (const auto* limits : {&min_turns, &agent_min_turns})
      for (const auto& [name, turn] : *limits)
        if (turn < 1 || turn > max_turns)
          problems.add(format("{}.{}: found {}, expected 1 to max_turns ({})",
                              limits == &min_turns ? "min_turns" : "agent_min_turns", name, turn,
                              max_turns));
  }
};

/// Agents speak in turn until one of them ends the session or the last turn is over.
class TurnLoop : public Strategy {
 public:
  explicit TurnLoop(TurnLoopConfig config) : config_(std::move(config)) {}

  Json resolved_config() const override { return config_to_json(config_); }
  std::vector<std::string> agent_names() const override { return config_.order; }

  void check(const std::set<std::string>& agents, const std::set<std::string>& groups,
             ProblemList& problems) const override {
    const auto need_agent = [&](const char* key, const std::string& name) {
      if (!agents.count(name))
        problems.add(format("graph.{}: found '{}', expected one of {}", key, name,
                            quoted_list({agents.begin(), agents.end()})));
    };
    for (const auto& name : config_.order) need_agent("order", name);
    for (const auto& name : config_.end_by) need_agent("end_by", name);
    for (const auto& [name, turn] : config_.agent_min_turns) need_agent("agent_min_turns", name);
    for (const auto& group : groups)
      if (!for_group(config_.min_turns, group))
        problems.add(
            format("graph.min_turns: found no '{}', expected a number for this group of "
                   "clients or 'default'",
                   group.empty() ? "default" : group));
  }

  CallBounds calls_per_session(const std::string& group) const override {
    const auto agents = static_cast<std::int64_t>(config_.order.size());
    const auto utterances = config_.max_turns * agents;
    return {first_end(group) * agents, utterances * (1 + config_.max_retries), utterances};
  }

  SessionOutcome run(const SessionTask& task, const Cast& cast) const override {
    SessionOutcome outcome;
    for (std::int64_t turn = 1; turn <= config_.max_turns; ++turn) {
      if (!exchange(task, cast, turn, outcome)) return outcome;
    }
    outcome.stop_reason = "max_turns";
    return outcome;
  }

 private:
  /// One round of all agents. False when the session is over, with its reason set.
  bool exchange(const SessionTask& task, const Cast& cast, std::int64_t turn,
                SessionOutcome& outcome) const {
    bool ending = false;
    for (const auto& name : config_.order) {
      const auto& player = cast.at(name);
      auto spoken = speak_line(player, situation(task, cast, turn, outcome.messages, ending),
                               {config_.max_retries, config_.on_truncated});
      const bool may_end = turn >= first_end(task.profile->group, name);
      if (spoken.failure) {
        // Nobody needs another word after a farewell, or from an agent that only says goodbye.
        ending = ending || (spoken.bare_end && may_end);
        if (!ending || spoken.failure->reason.starts_with("interrupted"))
          return fail(*spoken.failure, outcome);
        break;
      }
      auto& message = outcome.messages.emplace_back(std::move(*spoken.message));
      if (!spoken.ended) continue;
      if (may_end && config_.keep_end_token && !ending) message.text += " " + config_.end_token;
      if (!may_end && !ending) message.steps.push_back({{"step", "early_end_ignored"}});
      ending = ending || may_end;
    }
    if (ending) outcome.stop_reason = "end_token";
    return !ending;
  }

  Situation situation(const SessionTask& task, const Cast& cast, std::int64_t turn,
                      const std::vector<SessionMessage>& history, bool ending) const {
    Situation now;
    now.profile = task.profile;
    now.language = task.language;
    now.replicate = task.replicate;
    now.run_seed = task.run_seed;
    now.turn = turn;
    now.min_turns = everyone_may_end(task.profile->group);
    now.max_turns = config_.max_turns;
    now.end_token = config_.end_token;
    now.first_speaker = cast.at(config_.order.front()).agent->config().speaker;
    now.risk_protocol = task.risk_protocol;
    now.history = &history;
    if (ending)
      now.hints.push_back("closing");
    else if (turn > config_.nudge_after_turn)
      now.hints.push_back("nudge");
    return now;
  }

  /// First turn at which this agent's end token counts; beyond max_turns when it never does.
  std::int64_t first_end(const std::string& group, const std::string& agent) const {
    const auto& by = config_.end_by;
    if (!by.empty() && std::find(by.begin(), by.end(), agent) == by.end())
      return config_.max_turns + 1;
    const auto* turn = for_group(config_.min_turns, group);
    const auto own = config_.agent_min_turns.find(agent);
    return std::max(turn ? *turn : 1, own == config_.agent_min_turns.end() ? 1 : own->second);
  }

  /// First turn at which the session can end: the earliest of all agents.
  std::int64_t first_end(const std::string& group) const {
    std::int64_t first = config_.max_turns;
    for (const auto& name : config_.order) first = std::min(first, first_end(group, name));
    return first;
  }

  /// First turn at which every agent that may end the session can do so.
  std::int64_t everyone_may_end(const std::string& group) const {
    std::int64_t last = 1;
    for (const auto& name : config_.order)
      if (const auto turn = first_end(group, name); turn <= config_.max_turns)
        last = std::max(last, turn);
    return last;
  }

  static bool fail(const SessionFailure& failure, SessionOutcome& outcome) {
    outcome.failure = failure;
    outcome.stop_reason = failure.reason.starts_with("refused")       ? "refused"
                          : failure.reason.starts_with("interrupted") ? "interrupted"
                                                                      : "failed";
    return false;
  }

  TurnLoopConfig config_;
};

}  // namespace

std::vector<Setting> turn_loop_settings() { return settings_of<TurnLoopConfig>(); }

std::unique_ptr<Strategy> make_turn_loop(const Json& graph, const std::string& where) {
  return std::make_unique<TurnLoop>(config_from_json<TurnLoopConfig>(graph, where, {}));
}

}  // namespace sqpsych
