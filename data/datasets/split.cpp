#include "data/datasets/split.h"

#include <algorithm>

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

int split_by_list(const std::string& client_id, const SplitConfig& config) {
  const auto lists = [&](const std::vector<std::string>& clients) {
    return std::find(clients.begin(), clients.end(), client_id) != clients.end();
  };
  if (lists(config.validation_clients)) return kValidation;
  return lists(config.test_clients) ? kTest : kTrain;
}

void check_listed(const std::map<std::string, int>& clients, const SplitConfig& config,
                  ProblemList& problems) {
  for (const auto* list : {&config.validation_clients, &config.test_clients})
    for (const auto& client : *list)
      if (!clients.contains(client))
        problems.add(format(
            "found client '{}' in a list but in no session, expected a known client", client));
}

}  // namespace

std::map<std::string, int> split_clients(const std::vector<SourceSession>& sessions,
                                         const SplitConfig& config) {
  std::map<std::string, int> clients;
  ProblemList problems;
  for (const auto& session : sessions) {
    const int split = config.by == "hash"     ? split_by_hash(session.client_id, config)
                      : config.by == "column" ? split_by_column(session, config, problems)
                                              : split_by_list(session.client_id, config);
    const auto [found, fresh] = clients.emplace(session.client_id, split);
    if (!fresh && found->second != split)
      problems.add(
          format("{}: client '{}': found it in {} and in {}, expected one split. Use by: hash",
                 session.where, session.client_id, kSplitNames[found->second], kSplitNames[split]));
  }
  if (config.by == "list") check_listed(clients, config, problems);
  problems.throw_if_any<ConfigError>("split");
  return clients;
}

}  // namespace sqpsych
