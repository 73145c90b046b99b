#include "data/datasets/split.h"

#include "core/random.h"
#include "core/text.h"

namespace sqpsych {

namespace {

constexpr int kTrain = 0;
constexpr int kValidation = 1;
constexpr int kTest = 2;

int split_by_hash(const std::string& client_id, const SplitConfig& config) {
  const std::uint64_t hash = derive_seed({"split", config.seed, std::string_view(client_id)});
  const double place = static_cast<double>(hash >> 10) / static_cast<double>(1ULL << 53);
  if (place < config.test) return kTest;
  return place < config.test + config.validation ? kValidation : kTrain;
}

int split_by_column(const SourceSession& session, const SplitConfig& config,
                    ProblemList& problems) {
  const auto found = session.fields.find(config.column);
  const std::string value = found == session.fields.end() ? "" : to_lower_ascii(found->second);
  if (value == "train" || value == "training") return kTrain;
  if (value == "validation" || value == "valid" || value == "val" || value == "dev")
    return kValidation;
  if (value == "test") return kTest;
  problems.add(format("{}: field '{}': found '{}', expected train, validation or test",
                      session.where, config.column, value));
  return kTrain;
}

using SplitOfClient = std::map<std::string, int>;

SplitOfClient listed_clients(const SplitConfig& config) {
  SplitOfClient listed;
  for (const auto& client : config.test_clients) listed[client] = kTest;
  for (const auto& client : config.validation_clients) listed[client] = kValidation;
  return listed;
}

int split_by_list(const std::string& client_id, const SplitOfClient& listed) {
  const auto found = listed.find(client_id);
  return found == listed.end() ? kTrain : found->second;
}

void check_listed(const SplitOfClient& clients, const SplitOfClient& listed,
                  ProblemList& problems) {
  for (const auto& [client, split] : listed)
    if (!clients.contains(client))
      problems.add(format(
          "{}_clients: found '{}', which is in no session that passed the filters, expected a "
          "client of these sessions",
          kSplitNames[static_cast<std::size_t>(split)], client));
}

/// A wrong column is wrong in every session: the first problems say it, the rest is counted.
void throw_first(const ProblemList& problems) {
  constexpr std::size_t kMostShown = 20;
  ProblemList shown;
  for (const auto& problem : problems.problems())
    if (shown.problems().size() < kMostShown) shown.add(problem);
  const std::size_t left_out = problems.problems().size() - shown.problems().size();
  if (left_out > 0) shown.add(format("and {} more problems", left_out));
  shown.throw_if_any<ConfigError>("split");
}

}  // namespace

std::map<std::string, int> split_clients(const std::vector<SourceSession>& sessions,
                                         const SplitConfig& config) {
  const SplitOfClient listed = listed_clients(config);
  SplitOfClient clients;
  ProblemList problems;
  for (const auto& session : sessions) {
    const int split = config.by == "hash"     ? split_by_hash(session.client_id, config)
                      : config.by == "column" ? split_by_column(session, config, problems)
                                              : split_by_list(session.client_id, listed);
    const auto [found, fresh] = clients.emplace(session.client_id, split);
    if (!fresh && found->second != split)
      problems.add(
          format("{}: client '{}': found it in {} and in {}, expected one split. Use by: hash",
                 session.where, session.client_id, kSplitNames[found->second], kSplitNames[split]));
  }
  if (config.by == "list") check_listed(clients, listed, problems);
  throw_first(problems);
  return clients;
}

}  // namespace sqpsych
