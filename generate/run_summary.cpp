#include "core/text.h"
#include "generate/runner.h"

namespace sqpsych {
namespace {

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
  const auto sessions = static_cast<double>(std::max<std::int64_t>(1, complete));
  auto text = format("sessions:  {} of {} complete{}\n", with_thousands(complete),
                     with_thousands(planned), counts_text(stops));
  if (found > 0) text += format("found:     {} were there already\n", with_thousands(found));
  text += format("failed:    {}{}\n", with_thousands(failed_count()), counts_text(failed));
  text += format("left out:  {} profiles by risk_policy\n", with_thousands(excluded_by_risk));
  text += format("length:    {:.1f} utterances on average\n",
                 static_cast<double>(utterances) / sessions);
  if (prompt_tokens + completion_tokens > 0)
    text += format("tokens:    {} read, {} written\n", with_thousands(prompt_tokens),
                   with_thousands(completion_tokens));
  text += format("time:      {}\n", duration_text(seconds));
  if (stopped_early)
    text +=
        "stopped early: too many failures in a row; mend the cause, then run the same command.\n";
  return text;
}

}  // namespace sqpsych
