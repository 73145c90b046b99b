#include "data/profiles/profile_run.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "core/error.h"
#include "core/interrupt.h"
#include "core/json_lines_file.h"
#include "core/log.h"
#include "core/manifest.h"
#include "core/progress.h"
#include "core/text.h"
#include "data/profiles/pseudonym.h"

namespace sqpsych {
namespace {

constexpr std::size_t kFaultsShown = 20;

std::string problem_text(const SkippedRow& skipped, const RowProblem& problem) {
  return format("{}: row {}{}: {}", skipped.file, skipped.row,
                problem.column.empty() ? "" : format(", column '{}'", problem.column),
                problem.detail);
}

void stop_if_faulty(const ProfileBatch& batch) {
  ProblemList problems;
  std::size_t left_out = 0;
  for (const auto& skipped : batch.skipped)
    for (const auto& problem : skipped.problems) {
      if (!is_fault(problem.reason)) continue;
      if (problems.problems().size() < kFaultsShown)
        problems.add(problem_text(skipped, problem));
      else
        ++left_out;
    }
  if (left_out > 0) problems.add(format("and {} more faults", left_out));
  problems.throw_if_any<FormatError>("strict");
}

/// Rows of one (client, occasion) and the source behind each pseudonym, as they come.
class Seen {
 public:
  /// Row number of an earlier profile of this client and occasion, or 0.
  std::int64_t earlier_row(const std::string& client_id, const std::string& occasion,
                           std::int64_t row) {
    const auto [known, added] = rows_.emplace(client_id + '\x1f' + occasion, row);
    return added ? 0 : known->second;
  }
  void check_collision(const std::string& client_id, const std::string& source_id) {
    const auto [known, added] = sources_.emplace(client_id, source_id);
    if (!added && known->second != source_id)
      throw ResourceError("links: two persons get one pseudonym under this key. Use another key");
  }
  std::int64_t clients() const { return static_cast<std::int64_t>(sources_.size()); }

 private:
  std::unordered_map<std::string, std::int64_t> rows_;
  std::unordered_map<std::string, std::string> sources_;
};

bool is_complete(const Profile& profile, const Questionnaire& questionnaire) {
  for (const auto& answered : profile.questionnaires) {
    if (answered.name != questionnaire.name) continue;
    return std::none_of(answered.items.begin(), answered.items.end(), [&](const ProfileItem& item) {
      return !item.value && questionnaire.find_item(item.id)->scored;
    });
  }
  return false;
}

/// Nobody knows the risk of somebody who left such an item open.
bool leaves_risk_open(const Profile& profile, const BoundMapping& mapping) {
  for (const auto& bound : mapping.questionnaires)
    for (const auto& answered : profile.questionnaires) {
      if (answered.name != bound.questionnaire->name) continue;
      for (const auto& item : answered.items)
        if (!item.value && bound.questionnaire->find_item(item.id)->risk) return true;
    }
  return false;
}

void count_profile(const BoundMapping& mapping, const Profile& profile, ProfileCounts& counts) {
  ++counts.profiles;
  counts.risk_positive += profile.risk_positive;
  counts.risk_unanswered += !profile.risk_positive && leaves_risk_open(profile, mapping);
  if (!profile.group.empty()) ++counts.groups[profile.group];
  for (const auto& bound : mapping.questionnaires)
    counts.complete[bound.questionnaire->name] += is_complete(profile, *bound.questionnaire);
}

Json skipped_json(const SkippedRow& skipped) {
  Json problems = Json::array();
  for (const auto& problem : skipped.problems)
    problems.push_back({{"column", problem.column},
                        {"reason", name_of(problem.reason)},
                        {"detail", problem.detail}});
  return {{"schema", "sqpsych.skipped_row/1"},
          {"file", skipped.file},
          {"row", skipped.row},
          {"column", skipped.problems.front().column},
          {"reason", name_of(skipped.problems.front().reason)},
          {"problems", std::move(problems)}};
}

Json link_json(const ProfileLink& link) {
  return {{"schema", "sqpsych.link/1"},
          {"client_id", link.client_id},
          {"occasion", link.occasion},
          {"file", link.file},
          {"row", link.row},
          {"source_id", link.source_id}};
}

Json counts_json(const ProfileCounts& counts) {
  return {{"rows", counts.rows},
          {"profiles", counts.profiles},
          {"clients", counts.clients},
          {"skipped", counts.skipped},
          {"groups", counts.groups},
          {"complete", counts.complete},
          {"risk_positive", counts.risk_positive},
          {"risk_unanswered", counts.risk_unanswered},
          {"left_out", counts.left_out}};
}

void write_batch(const ProfilesConfig& config, const std::vector<Questionnaire>& questionnaires,
                 const ProfileRunOptions& options, const ProfileBatch& batch,
                 const std::string& key) {
  create_private_files();
  const bool replace = options.existing == Existing::kOverwrite;
  write_folder_atomic(options.output, replace, [&](const std::filesystem::path& folder) {
    std::filesystem::create_directories(folder / "links");
    write_json_lines(folder / "profiles.jsonl", batch.profiles,
                     [](const Profile& profile) { return to_json(profile); });
    write_json_lines(folder / "skipped.jsonl", batch.skipped, skipped_json);
    write_json_lines(folder / "links" / "links.jsonl", batch.links, link_json);
    if (config.links.key_file.empty()) write_file_atomic(folder / "links" / "key", key + "\n");
    Manifest manifest;
    manifest.command = command_line();
    manifest.config = config_to_json(config);
    manifest.inputs = options.answers;
    for (const auto& questionnaire : questionnaires)
      manifest.inputs.push_back(questionnaire.folder);
    manifest.extra["counts"] = counts_json(batch.counts);
    write_manifest(folder, manifest);
  });
}

std::vector<AnswerTable> read_tables(const ProfilesConfig& config,
                                     const std::vector<std::filesystem::path>& files) {
  std::vector<AnswerTable> tables;
  for (const auto& file : files) tables.push_back(read_answers(file, config.answers));
  return tables;
}

/// The config's key file, else the key of an output that is overwritten, else a new key.
std::string choose_key(const ProfilesConfig& config, const ProfileRunOptions& options) {
  if (!config.links.key_file.empty()) return read_pseudonym_key(config.links.key_file.path);
  const auto own = options.output / "links" / "key";
  if (!options.output.empty() && std::filesystem::exists(own)) {
    log_info(format("links: the pseudonyms keep the key of '{}'", own.string()));
    return read_pseudonym_key(own);
  }
  return new_pseudonym_key();
}

std::string counts_line(const std::map<std::string, std::int64_t>& counts) {
  std::vector<std::string> parts;
  for (const auto& [name, count] : counts)
    parts.push_back(format("{} {}", name, with_thousands(count)));
  return join(parts, ", ");
}

}  // namespace

ProfileBatch build_profiles(const BoundMapping& mapping, const JoinedAnswers& answers,
                            const std::string& key) {
  ProfileBatch batch;
  Seen seen;
  Progress progress("profiles", static_cast<std::int64_t>(answers.rows().size()), "rows");
  const std::string file = answers.base().file_name();
  for (const auto& row : answers.rows()) {
    throw_if_interrupted("profiles");
    progress.advance();
    ++batch.counts.rows;
    const std::int64_t number = answers.base_row(row).number;
    auto result = build_profile(mapping, answers, row);
    std::vector<RowProblem> problems;
    if (auto* built = std::get_if<BuiltProfile>(&result)) {
      Profile& profile = built->profile;
      profile.client_id = pseudonym_of(key, built->source_id);
      seen.check_collision(profile.client_id, built->source_id);
      const auto earlier = seen.earlier_row(profile.client_id, profile.occasion, number);
      if (earlier == 0) {
        count_profile(mapping, profile, batch.counts);
        batch.links.push_back(
            {profile.client_id, profile.occasion, file, number, built->source_id});
        batch.profiles.push_back(std::move(profile));
        continue;
      }
      problems.push_back({SkipReason::kDuplicate, mapping.config->client_id.column,
                          format("found the client and occasion of row {} again", earlier)});
    } else {
      problems = std::move(std::get<std::vector<RowProblem>>(result));
    }
    ++batch.counts.skipped[name_of(problems.front().reason)];
    batch.counts.faulty += is_fault(problems.front().reason);
    batch.skipped.push_back({file, number, std::move(problems)});
  }
  batch.counts.clients = seen.clients();
  batch.counts.left_out = answers.left_out();
  if (mapping.config->strict) stop_if_faulty(batch);
  return batch;
}

ProfileCounts run_profiles(const ProfilesConfig& config, const ProfileRunOptions& options) {
  if (!options.check_only || !options.output.empty())
    prepare_output(options.output, options.existing, options.answers, "profiles");
  const std::string key = choose_key(config, options);
  const auto questionnaires = load_questionnaires(config, options.questionnaire_folders);
  const JoinedAnswers answers(read_tables(config, options.answers), config.join,
                              config.questionnaires.front().items.begin()->second);
  const BoundMapping mapping = bind_mapping(config, questionnaires, answers);
  if (answers.num_unmatched() > 0)
    log_info(format("join: {} rows of {} have no partner in another file; its fields are missing",
                    with_thousands(answers.num_unmatched()), answers.base().file_name()));
  const ProfileBatch batch = build_profiles(mapping, answers, key);
  if (batch.profiles.empty())
    throw FormatError(format(
        "profiles: {}: found no usable row among {} ({}), expected at least one. The first: {}",
        answers.base().file_name(), batch.counts.rows, counts_line(batch.counts.skipped),
        problem_text(batch.skipped.front(), batch.skipped.front().problems.front())));
  if (!options.check_only) write_batch(config, questionnaires, options, batch, key);
  return batch.counts;
}

std::string counts_text(const ProfileCounts& counts) {
  const std::int64_t skipped = counts.rows - counts.profiles;
  std::string text = format("rows      {}\nprofiles  {}, from {} clients\nskipped   {}",
                            with_thousands(counts.rows), with_thousands(counts.profiles),
                            with_thousands(counts.clients), with_thousands(skipped));
  if (skipped > 0) text += format(" ({})", counts_line(counts.skipped));
  text += format("\ncomplete  {}", counts_line(counts.complete));
  if (!counts.groups.empty()) text += format("\ngroups    {}", counts_line(counts.groups));
  text += format("\nrisk      {} with a positive risk item", with_thousands(counts.risk_positive));
  if (counts.risk_unanswered > 0)
    text += format(", {} more with an unanswered one", with_thousands(counts.risk_unanswered));
  for (const auto& [file, rows] : counts.left_out)
    text += format("\nleft out  {} rows of {}: no row of the base file has their key",
                   with_thousands(rows), file);
  return text + "\n";
}

}  // namespace sqpsych
