#include "generate/agents/utterance.h"

#include "core/interrupt.h"
#include "core/random.h"
#include "core/text.h"

namespace sqpsych {
namespace {

/// True when this speaker said the same before, or when the line before is merely echoed.
bool repeats(const std::string& text, const std::string& speaker,
             const std::vector<SessionMessage>& history) {
  const auto words = normalised_words(text);
  for (std::size_t i = 0; i < history.size(); ++i) {
    const bool last = i + 1 == history.size();
    if ((history[i].speaker == speaker || last) && normalised_words(history[i].text) == words)
      return true;
  }
  return false;
}

bool worth_a_retry(const std::string& failure) {
  return failure == "empty" || failure == "reasoning_unfinished" || failure == "repeats" ||
         failure == "truncated";
}

Json rejected_step(const Attempt& attempt, std::int64_t try_index) {
  Json step = {{"step", "rejected"}, {"try", try_index}, {"reason", attempt.failure}};
  step["text"] = attempt.reply.text;
  return step;
}

void add_reply_steps(const Attempt& attempt, Json& steps) {
  const auto& reply = attempt.reply;
  const auto& reasoning = reply.reasoning.empty() ? attempt.answer.reasoning : reply.reasoning;
  if (!reasoning.empty()) steps.push_back({{"step", "reasoning"}, {"text", reasoning}});
  if (!reply.attempts.empty()) steps.push_back({{"step", "requests"}, {"failed", reply.attempts}});
  if (attempt.answer.cuts.empty()) return;
  Json cuts = Json::array();
  for (const auto& cut : attempt.answer.cuts) cuts.push_back(cut);
  steps.push_back({{"step", "cut"}, {"what", cuts}, {"text", reply.text}});
}

/// Decides about a whole reply; what stays wrong is left in `failure`.
void judge(Attempt& attempt, const Agent& agent, const Situation& situation,
           const ReplyPolicy& policy) {
  if (!attempt.failure.empty()) return;
  const auto& stop = attempt.reply.stop_reason;
  if ((stop == "max_tokens" || stop == "context_full") && policy.on_truncated != "keep") {
    if (policy.on_truncated == "fail") {
      attempt.failure = "truncated";
      return;
    }
    auto whole = trim_to_sentence(attempt.answer.text);
    if (whole.size() < attempt.answer.text.size()) attempt.answer.cuts.push_back("unfinished");
    attempt.answer.text = std::move(whole);
  }
  if (repeats(attempt.answer.text, agent.config().speaker, *situation.history))
    attempt.failure = "repeats";
}

SessionMessage message_of(const Agent& agent, const Attempt& attempt, Json steps) {
  SessionMessage message;
  message.speaker = agent.config().speaker;
  message.text = attempt.answer.text;
  message.agent = agent.name();
  message.model = attempt.reply.model;
  message.prompt_sha256 = attempt.prompt_sha256;
  message.sampling = config_to_json(agent.config().sampling);
  message.seed = attempt.seed;
  message.prompt_tokens = attempt.reply.prompt_tokens;
  message.completion_tokens = attempt.reply.completion_tokens;
  message.seconds = attempt.reply.seconds;
  message.steps = std::move(steps);
  return message;
}

/// A filler the agent has not used yet in this session, drawn by the last try's seed.
std::optional<std::string> filler_for(const Agent& agent, const Situation& situation,
                                      const Attempt& last) {
  if (!worth_a_retry(last.failure)) return std::nullopt;
  const auto found = agent.config().fillers.find(situation.language);
  if (found == agent.config().fillers.end()) return std::nullopt;
  std::vector<std::string> unused;
  for (const auto& filler : found->second)
    if (!repeats(filler, agent.config().speaker, *situation.history)) unused.push_back(filler);
  if (unused.empty()) return std::nullopt;
  RandomStream random(last.seed);
  return unused[random.below(unused.size())];
}

SessionFailure failure_of(const Agent& agent, const Situation& situation, const Attempt& last) {
  const auto& detail = last.reply.detail;
  return {format("turn {}, {}", situation.turn, agent.name()),
          detail.empty() ? last.failure : last.failure + ": " + detail};
}

}  // namespace

Spoken speak_line(const Player& player, Situation situation, const ReplyPolicy& policy) {
  const auto& agent = *player.agent;
  Json steps = Json::array();
  if (!situation.hints.empty())
    steps.push_back({{"step", "hints"}, {"sections", Json(situation.hints)}});
  Spoken spoken;
  Attempt attempt;
  const auto first_hints = situation.hints;
  for (std::int64_t try_index = 0; try_index <= policy.max_retries; ++try_index) {
    if (interrupt_requested()) {
      attempt.failure = "interrupted";
      break;
    }
    attempt = agent.speak(situation, try_index, *player.worker);
    judge(attempt, agent, situation, policy);
    if (attempt.failure.empty()) {
      add_reply_steps(attempt, steps);
      spoken.message = message_of(agent, attempt, std::move(steps));
      spoken.ended = attempt.answer.ended;
      return spoken;
    }
    spoken.bare_end = attempt.failure == "empty" && attempt.answer.ended;
    if (!worth_a_retry(attempt.failure)) break;
    steps.push_back(rejected_step(attempt, try_index));
    situation.hints = first_hints;
    situation.hints.push_back("retry");
    situation.variables["rejected"] = attempt.answer.text;
    situation.variables["reason"] = attempt.failure;
  }
  if (const auto filler = filler_for(agent, situation, attempt)) {
    steps.push_back({{"step", "filler"}, {"reason", attempt.failure}});
    attempt.answer.text = *filler;
    spoken.message = message_of(agent, attempt, std::move(steps));
  } else {
    spoken.failure = failure_of(agent, situation, attempt);
  }
  return spoken;
}

}  // namespace sqpsych
