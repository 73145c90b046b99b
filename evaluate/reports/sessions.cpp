#include <set>

#include "core/json_lines.h"
#include "core/text.h"
#include "data/sessions/session.h"
#include "evaluate/reports/report.h"
#include "evaluate/reports/tally.h"

namespace sqpsych {
namespace {

struct SessionAccount {
  std::set<std::string> clients;
  std::int64_t num_sessions = 0, num_complete = 0, num_utterances = 0, num_completion_tokens = 0;
  double seconds = 0;
  Tally stop_reasons, failures, models, strategies, lengths;

  void add(const Session& session) {
    ++num_sessions;
    num_complete += session.status == "complete";
    clients.insert(session.client_id);
    ++strategies[session.strategy];
    ++stop_reasons[session.stop_reason];
    if (session.failure) ++failures[session.failure->where + ": " + session.failure->reason];
    const auto tens = session.messages.size() / 10 * 10;
    ++lengths[format("{:3}-{}", tens, tens + 9)];
    for (const auto& message : session.messages) {
      ++num_utterances;
      ++models[message.agent + " by " + (message.model.empty() ? "(not recorded)" : message.model)];
      num_completion_tokens += message.completion_tokens;
      seconds += message.seconds;
    }
  }
};

std::vector<Bar> in_order(const Tally& tally) {
  std::vector<Bar> bars;
  for (const auto& [name, count] : tally) bars.push_back({std::string(trim(name)), count});
  return bars;
}

void show_sessions(const SessionAccount& account, Page& page) {
  const auto num_sessions = std::max<std::int64_t>(1, account.num_sessions);
  std::vector<std::pair<std::string, std::string>> figures = {
      {"sessions", with_thousands(account.num_sessions)},
      {"complete", with_thousands(account.num_complete)},
      {"failed", with_thousands(account.num_sessions - account.num_complete)},
      {"clients", with_thousands(static_cast<std::int64_t>(account.clients.size()))},
      {"utterances per session", shown_number(static_cast<double>(account.num_utterances) /
                                              static_cast<double>(num_sessions))}};
  if (account.num_completion_tokens > 0)
    figures.emplace_back("tokens written", with_thousands(account.num_completion_tokens));
  page.figures(figures);
  page.chart(bar_chart("How sessions ended", bars_of(account.stop_reasons)));
  page.chart(bar_chart("Utterances per session", in_order(account.lengths)));
  if (!account.failures.empty()) {
    Table failures{{"why a session failed", "sessions"}, {}};
    for (const auto& bar : bars_of(account.failures))
      failures.rows.push_back({bar.name, with_thousands(bar.count)});
    page.table(failures);
  }
  Table models{{"utterances by agent and model", "count"}, {}};
  for (const auto& bar : bars_of(account.models))
    models.rows.push_back({bar.name, with_thousands(bar.count)});
  if (!models.rows.empty()) page.table(models);
}

void show_samples(const std::vector<Session>& samples, Page& page) {
  for (const auto& session : samples) {
    page.heading(format("Sample session {} ({}, {} utterances)", session.id.substr(0, 12),
                        session.stop_reason, session.messages.size()));
    for (const auto& message : session.messages)
      page.utterance(
          message.model.empty() ? message.speaker : message.speaker + " by " + message.model,
          message.text, message.speaker == "counselor");
  }
}

class SessionsReport : public Report {
 public:
  std::string name() const override { return "Sessions"; }
  std::string recognised_by() const override { return "sessions.jsonl"; }
  bool knows(const ReportSource& source) const override { return source.has("sessions.jsonl"); }

  void write(const ReportSource& source, const ReportSettings& settings,
             Page& page) const override {
    SessionAccount account;
    std::vector<Session> samples;
    const auto file = source.path / "sessions.jsonl";
    for_each_line(file, [&](Json record, std::int64_t line) {
      auto session = session_from_json(record, format("{}:{}", file.string(), line));
      account.add(session);
      if (session.status == "complete" &&
          static_cast<std::int64_t>(samples.size()) < settings.samples)
        samples.push_back(std::move(session));
    });
    show_sessions(account, page);
    show_samples(samples, page);
  }
};

}  // namespace

const Report& sessions_report() {
  static const SessionsReport report;
  return report;
}

}  // namespace sqpsych
