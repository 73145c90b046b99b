#include "generate/runner.h"

#include <atomic>
#include <chrono>
#include <exception>
#include <mutex>
#include <thread>

#include "core/hash.h"
#include "core/interrupt.h"
#include "core/log.h"
#include "core/manifest.h"
#include "core/progress.h"
#include "core/text.h"
#include "generate/run_folder.h"

namespace sqpsych {
namespace {

/// Bytes that a record keeps of one utterance besides its text.
constexpr std::int64_t kRecordBytes = 700;
constexpr std::int64_t kBytesPerToken = 5;

/// Everything that the workers of one run share.
struct Work {
  const GenerateConfig& config;
  const SessionPlan& plan;
  Ensemble& ensemble;
  RunFolder& folder;
  std::vector<std::size_t> sessions;  ///< indices into the plan that are still to be made
  Progress progress;

  std::atomic<std::size_t> next{0};
  std::atomic<std::int64_t> failures_in_a_row{0};
  std::atomic<bool> stop{false};
  std::mutex error_mutex{};
  std::exception_ptr error{};
};

RunIdentity identity_of(const Ensemble& ensemble, const RunOptions& options) {
  auto inputs = ensemble.fingerprint();
  inputs["profiles"] = sha256_hex_of_file(options.profiles);
  return {ensemble.resolved_config(), inputs, ensemble.free_keys()};
}

Json risk_of(const Profile& profile, const GenerateConfig& config) {
  Json risk = {{"positive", profile.risk_positive}};
  if (!profile.risk_positive) return risk;
  risk["items"] = profile.risk_items;
  risk["policy"] = config.risk_policy;
  return risk;
}

Session make_session(const Work& work, const PlannedSession& planned, const Cast& cast) {
  const auto& profile = work.plan.profiles[planned.profile];
  SessionTask task;
  task.profile = &profile;
  task.language = work.plan.language_of(planned, work.config);
  task.replicate = planned.replicate;
  task.run_seed = static_cast<std::uint64_t>(work.config.seed);
  if (profile.risk_positive && work.config.risk_policy == "protocol")
    task.risk_protocol = &work.ensemble.risk_protocol(task.language);
  auto outcome = work.ensemble.strategy().run(task, cast);

  Session session;
  session.id = planned.id;
  session.client_id = profile.client_id;
  session.occasion = profile.occasion;
  session.strategy = work.config.strategy;
  session.replicate = planned.replicate;
  session.seed = task.run_seed;
  session.status = outcome.failure ? "failed" : "complete";
  session.stop_reason = outcome.stop_reason;
  session.messages = std::move(outcome.messages);
  session.risk = risk_of(profile, work.config);
  session.failure = std::move(outcome.failure);
  session.unknown = {{"group", profile.group},
                     {"language", task.language},
                     {"reproducible", work.ensemble.reproducible()},
                     {"backends", work.ensemble.provenance()}};
  return session;
}

void keep(Work& work, const Session& session) {
  if (session.stop_reason == "interrupted") return;
  work.folder.append(session);
  work.progress.advance();
  if (session.status == "complete") {
    work.failures_in_a_row = 0;
  } else if (++work.failures_in_a_row >= work.config.max_failures_in_a_row) {
    work.stop = true;
  }
}

void work_off(Work& work, Ensemble::Stage& stage) {
  try {
    while (!work.stop && !interrupt_requested()) {
      const auto index = work.next++;
      if (index >= work.sessions.size()) return;
      stage.begin_session();
      keep(work, make_session(work, work.plan.sessions[work.sessions[index]], stage.cast));
    }
  } catch (...) {
    const std::lock_guard guard(work.error_mutex);
    if (!work.error) work.error = std::current_exception();
    work.stop = true;
  }
}

/// Runs the workers and, when a signal comes, makes their waiting calls return.
void run_workers(Work& work) {
  const auto count = std::min<std::size_t>(static_cast<std::size_t>(work.config.workers),
                                           std::max<std::size_t>(1, work.sessions.size()));
  std::vector<std::unique_ptr<Ensemble::Stage>> stages;
  for (std::size_t i = 0; i < count; ++i) stages.push_back(work.ensemble.connect());
  std::atomic<std::size_t> running{count};
  std::vector<std::thread> threads;
  for (auto& stage : stages)
    threads.emplace_back([&work, &running, &stage] {
      work_off(work, *stage);
      --running;
    });
  for (bool cancelled = false; running > 0;) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    // One session of a large model can take minutes.
    work.progress.advance(0, format("{} replies", with_thousands(work.ensemble.replies())));
    if (cancelled || (!interrupt_requested() && !work.stop)) continue;
    for (auto& stage : stages) stage->cancel();
    cancelled = true;
  }
  for (auto& thread : threads) thread.join();
  if (work.error) std::rethrow_exception(work.error);
}

std::vector<std::size_t> missing_sessions(const SessionPlan& plan, const RunFolder& folder,
                                          const std::vector<std::size_t>& selected,
                                          bool retry_failed) {
  std::vector<std::size_t> missing;
  for (const auto index : selected) {
    const auto record = folder.records().find(plan.sessions[index].id);
    if (record == folder.records().end() || (retry_failed && !record->second.complete))
      missing.push_back(index);
  }
  return missing;
}

std::vector<std::string> ids_of(const SessionPlan& plan) {
  std::vector<std::string> ids;
  for (const auto& session : plan.sessions) ids.push_back(session.id);
  return ids;
}

void add_records(const SessionPlan& plan, const std::vector<std::size_t>& selected,
                 const RunFolder& folder, RunSummary& summary) {
  for (const auto index : selected) {
    const auto found = folder.records().find(plan.sessions[index].id);
    if (found == folder.records().end()) continue;
    const auto& record = found->second;
    if (record.complete) {
      ++summary.complete;
      ++summary.stops[record.stop_reason];
      summary.utterances += record.utterances;
    } else {
      ++summary.failed[record.failure];
    }
    summary.prompt_tokens += record.prompt_tokens;
    summary.completion_tokens += record.completion_tokens;
  }
}

void warn_of(const SessionPlan& plan, const RunFolder& folder) {
  if (folder.dropped_bytes() > 0)
    log_warning(format("journal.jsonl: dropped {} bytes of a half-written last line.",
                       folder.dropped_bytes()));
  if (plan.other_language > 0)
    log_warning(
        format("{} profiles answered in another language than the sessions'; their "
               "sentences stay as they are.",
               plan.other_language));
}

void describe_run(const RunOptions& options, const Ensemble& ensemble, const RunFolder& folder,
                  const RunSummary& summary) {
  Json wall_clock = {"messages[].seconds", "messages[].steps[].failed"};
  write_manifest(folder.path(), {command_line(),
                                 ensemble.resolved_config(),
                                 {options.profiles},
                                 {options.profiles.parent_path()},
                                 {{"backends", ensemble.provenance()},
                                  {"reproducible", ensemble.reproducible()},
                                  {"prompts", ensemble.fingerprint()},
                                  {"wall_clock_fields", wall_clock},
                                  {"summary", summary.to_json()}}});
}

}  // namespace

RunForecast forecast_run(const GenerateConfig& config, const ConfigOrigin& origin,
                         const RunOptions& options) {
  const auto plan = plan_sessions(options.profiles, config);
  const Ensemble ensemble(config, origin, plan.groups, plan.languages);
  if (!options.output.empty())
    check_run_folder(options.output, identity_of(ensemble, options), options.existing);
  ensemble.check_backends();
  RunForecast forecast;
  forecast.profiles = static_cast<std::int64_t>(plan.profiles.size());
  forecast.excluded_by_risk = plan.excluded_by_risk;
  std::int64_t longest_tokens = 0;
  for (const auto& [name, agent] : config.agents)
    longest_tokens = std::max(longest_tokens, agent.sampling.max_tokens);
  for (const auto index : select_sessions(plan, options.shard, options.limit)) {
    const auto& profile = plan.profiles[plan.sessions[index].profile];
    const auto bounds = ensemble.strategy().calls_per_session(profile.group);
    ++forecast.sessions;
    forecast.least_calls += bounds.least;
    forecast.most_calls += bounds.most;
    forecast.most_bytes += static_cast<std::uint64_t>(
        bounds.utterances * (kRecordBytes + kBytesPerToken * longest_tokens));
  }
  return forecast;
}

RunSummary run_generation(const GenerateConfig& config, const ConfigOrigin& origin,
                          const RunOptions& options) {
  create_private_files();
  const auto begin = std::chrono::steady_clock::now();
  const auto plan = plan_sessions(options.profiles, config);
  Ensemble ensemble(config, origin, plan.groups, plan.languages);
  const auto identity = identity_of(ensemble, options);
  check_run_folder(options.output, identity, options.existing);
  // The sessions that are there are given up only for a run that can begin.
  if (options.existing == Existing::kOverwrite) ensemble.open();
  RunFolder folder(options.output, identity, options.existing);
  warn_of(plan, folder);
  folder.write_prompts(ensemble.prompt_texts());

  const auto selected = select_sessions(plan, options.shard, options.limit);
  auto missing = missing_sessions(plan, folder, selected, config.retry_failed);
  RunSummary summary;
  summary.planned = static_cast<std::int64_t>(selected.size());
  summary.found = static_cast<std::int64_t>(selected.size() - missing.size());
  summary.excluded_by_risk = plan.excluded_by_risk;
  summary.max_failures = config.max_failures;
  if (!missing.empty()) {
    ensemble.open();
    const auto count = static_cast<std::int64_t>(missing.size());
    Work work{config, plan, ensemble, folder, std::move(missing), {"generate", count, "sessions"}};
    run_workers(work);
    summary.stopped_early = work.stop && work.next < work.sessions.size();
    throw_if_interrupted("generate");
  }
  add_records(plan, selected, folder, summary);
  const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - begin;
  summary.seconds = passed.count();
  if (!summary.stopped_early) folder.finish(ids_of(plan));
  summary.records = options.output / (summary.stopped_early ? kJournalFile : kSessionsFile);
  describe_run(options, ensemble, folder, summary);
  return summary;
}

}  // namespace sqpsych
