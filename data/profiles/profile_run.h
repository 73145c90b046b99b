#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "core/files.h"
#include "data/profiles/profile_builder.h"

namespace sqpsych {

struct ProfileRunOptions {
  std::vector<std::filesystem::path> answers;
  std::vector<std::filesystem::path> questionnaire_folders;  ///< searched before the shipped ones
  std::filesystem::path output;
  Existing existing = Existing::kRefuse;
  bool check_only = false;  ///< read and build everything, write nothing
};

struct ProfileLink {
  std::string client_id;
  std::string occasion;
  std::string file;
  std::int64_t row = 0;
  std::string source_id;
};

struct SkippedRow {
  std::string file;
  std::int64_t row = 0;
  std::vector<RowProblem> problems;  ///< the first one is the row's reason in the counts
};

struct ProfileCounts {
  std::int64_t rows = 0;
  std::int64_t profiles = 0;
  std::int64_t clients = 0;
  std::int64_t faulty = 0;                      ///< skipped rows whose reason is a fault
  std::map<std::string, std::int64_t> skipped;  ///< by reason
  std::map<std::string, std::int64_t> groups;
  std::map<std::string, std::int64_t> complete;  ///< questionnaire -> profiles without a missing
                                                 ///< scored item
  std::int64_t risk_positive = 0;
  std::int64_t risk_unanswered = 0;              ///< of the others: a risk item has no valid answer
  std::map<std::string, std::int64_t> left_out;  ///< file -> rows without a row of the base file
};

struct ProfileBatch {
  std::vector<Profile> profiles;
  std::vector<ProfileLink> links;
  std::vector<SkippedRow> skipped;
  ProfileCounts counts;
};

/// Every row of the joined answers ends as a profile or as a skipped row. In strict mode a
/// FormatError lists the faulty rows.
ProfileBatch build_profiles(const BoundMapping& mapping, const JoinedAnswers& answers,
                            const std::string& key);

/// Reads answers, builds profiles and writes `output`: profiles.jsonl, skipped.jsonl,
/// links/links.jsonl, links/key (mode 0600, unless the config names a key file), manifest.json; all
/// or nothing, readable by the owner only. An overwritten output keeps its key.
ProfileCounts run_profiles(const ProfilesConfig& config, const ProfileRunOptions& options);

/// The counts as lines of text for people.
std::string counts_text(const ProfileCounts& counts);

}  // namespace sqpsych
