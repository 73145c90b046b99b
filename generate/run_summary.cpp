#include "core/text.h"
#include "generate/runner.h"

namespace sqpsych {
namespace {

/// What a user can do about a failure, by the beginning of its reason; lines fit 80 columns.
struct Remedy {
  const char* reason;
  const char* text;
};
constexpr Remedy kRemedies[] = {
    {"context_full",
     "the prompt with the talk so far exceeds the model's context.\n"
     "           Take a model with a longer one, shorten the prompt files or the\n"
     "           fields in may_read, or lower graph.max_turns."},
    {"connection", "see whether the server still runs, and its log."},
    {"timeout", "raise the backend's timeout_seconds, or lower workers."},
    {"http 401", "the server wants another key: see api_key_env."},
    {"http 403", "the server wants another key: see api_key_env."},
    {"http 404",
     "the server does not know this address or model: see\n"
     "           base_url and model."},
    {"http 4",
     "the server does not take the request as it is; its words are in\n"
     "           failure.reason."},
    {"http 5", "the server failed on every try: see its log."},
    {"redirect", "set base_url to the address the server sends requests on to."},
    {"malformed", "base_url does not speak the chat completions protocol."},
    {"repeats", "raise the agent's sampling.temperature, or give it fillers."},
    {"empty",
     "see whether the chat template fits the model, or give the\n"
     "           agent fillers."},
    {"reasoning_unfinished", "raise the agent's sampling.max_tokens."},
    {"truncated",
     "raise the agent's sampling.max_tokens, or set\n"
     "           graph.on_truncated."},
    {"refused", "the model or its server would not answer: see the prompts."},
};

std::string remedies_text(const std::map<std::string, std::int64_t>& failed) {
  std::string text;
  for (const auto& [reason, count] : failed)
    for (const auto& remedy : kRemedies) {
      if (!reason.starts_with(remedy.reason)) continue;
      text += format("           {}: {}\n", reason, remedy.text);
      break;
    }
  return text;
}

std::string counts_text(const std::map<std::string, std::int64_t>& counts) {
  std::vector<std::string> parts;
  for (const auto& [reason, count] : counts)
    parts.push_back(format("{} {}", with_thousands(count), reason));
  return parts.empty() ? "" : " (" + join(parts, ", ") + ")";
}

}  // namespace

std::string RunForecast::text() const {
  return format(
      "profiles:  {} ({} more left out by risk_policy)\n"
      "sessions:  {}\n"
      "calls:     {} to {} (the latter if every reply is tried again to the limit)\n"
      "disk:      at most {}, twice that while a run ends\n",
      with_thousands(profiles), with_thousands(excluded_by_risk), with_thousands(sessions),
      with_thousands(least_calls), with_thousands(most_calls), bytes_text(most_bytes));
}

std::int64_t RunSummary::failed_count() const {
  std::int64_t count = 0;
  for (const auto& [reason, failures] : failed) count += failures;
  return count;
}

ExitCode RunSummary::exit_code() const {
  return stopped_early || failed_count() > max_failures ? ExitCode::kTooManyFailures
                                                        : ExitCode::kDone;
}

Json RunSummary::to_json() const {
  return {{"planned", planned},
          {"found", found},
          {"complete", complete},
          {"stops", stops},
          {"failed", failed},
          {"excluded_by_risk", excluded_by_risk},
          {"utterances", utterances},
          {"prompt_tokens", prompt_tokens},
          {"completion_tokens", completion_tokens},
          {"seconds", seconds}};
}

std::string RunSummary::text() const {
  auto text = format("sessions:  {} of {} complete{}\n", with_thousands(complete),
                     with_thousands(planned), counts_text(stops));
  if (found > 0) text += format("found:     {} were there already\n", with_thousands(found));
  text += format("failed:    {}{}\n", with_thousands(failed_count()), counts_text(failed));
  text += remedies_text(failed);
  text += format("left out:  {} profiles by risk_policy\n", with_thousands(excluded_by_risk));
  if (complete > 0)
    text += format("length:    {:.1f} utterances on average\n",
                   static_cast<double>(utterances) / static_cast<double>(complete));
  if (prompt_tokens + completion_tokens > 0)
    text += format("tokens:    {} read, {} written\n", with_thousands(prompt_tokens),
                   with_thousands(completion_tokens));
  text += format("time:      {}\n", duration_text(seconds));
  if (stopped_early)
    text += "stopped:   too many failures in a row. Mend the cause, then run the same command.\n";
  return text + format("{}{}\n", stopped_early ? "kept in:   " : "written:   ", records.string());
}

}  // namespace sqpsych
