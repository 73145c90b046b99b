#include "generate/run_folder.h"

#include <algorithm>
#include <set>
#include <string_view>

#include "core/error.h"
#include "core/interrupt.h"
#include "core/text.h"

namespace sqpsych {
namespace {

namespace fs = std::filesystem;

constexpr const char* kLock = "run.lock";
constexpr const char* kConfig = "config.json";
constexpr const char* kInputs = "inputs.json";

std::string file_name_of(const std::string& text) {
  return text.starts_with('/') ? fs::path(text).filename().string() : text;
}

bool same_value(const Json& left, const Json& right) {
  if (left.is_string() && right.is_string())
    return file_name_of(left.get<std::string>()) == file_name_of(right.get<std::string>());
  return left == right;
}

std::string shown(const Json& value) {
  auto text = value.dump();
  if (text.size() > 60) text = text.substr(0, 57) + "...";
  return is_valid_utf8(text) ? text : "a long text";
}

void compare_values(const Json& found, const Json& expected, const std::string& path,
                    const std::vector<std::string>& free_keys,
                    std::vector<std::string>& differences) {
  if (std::find(free_keys.begin(), free_keys.end(), path) != free_keys.end()) return;
  if (!found.is_object() || !expected.is_object()) {
    if (!same_value(found, expected))
      differences.push_back(
          format("{}: found {}, expected {}", path, shown(found), shown(expected)));
    return;
  }
  std::set<std::string> keys;
  for (const auto& [key, value] : found.items()) keys.insert(key);
  for (const auto& [key, value] : expected.items()) keys.insert(key);
  for (const auto& key : keys) {
    const auto at = [&](const Json& object) {
      return object.contains(key) ? object[key] : Json(nullptr);
    };
    compare_values(at(found), at(expected), path.empty() ? key : path + "." + key, free_keys,
                   differences);
  }
}

/// Where each session's line stands; a later line of a session replaces an earlier one. Nothing is
/// copied, so that a run may be larger than memory.
void index_lines(std::string_view text, std::map<std::string, std::string_view>& lines) {
  for (std::size_t begin = 0; begin < text.size();) {
    const auto end = std::min(text.find('\n', begin), text.size());
    const auto line = text.substr(begin, end - begin);
    begin = end + 1;
    throw_if_interrupted("generate");
    if (!line.empty())
      lines[need_string(parse_json(line, kJournalFile), "id", kJournalFile)] = line;
  }
}

void compare(const fs::path& path, const RunIdentity& identity) {
  auto differences =
      json_differences(identity.config, read_json(path / kConfig), identity.free_keys);
  for (auto& difference : json_differences(identity.inputs, read_json(path / kInputs), {}))
    differences.push_back(std::move(difference));
  ProblemList problems;
  for (auto& difference : differences) problems.add(std::move(difference));
  if (!problems.empty())
    throw ConfigError(problems.text(path.string()) +
                      "\nThe run in this folder was begun with other settings: choose another "
                      "--output, or pass --overwrite to start over.");
}

}  // namespace

std::vector<std::string> json_differences(const Json& found, const Json& expected,
                                          const std::vector<std::string>& free_keys) {
  std::vector<std::string> differences;
  compare_values(found, expected, "", free_keys, differences);
  return differences;
}

SessionRecord summary_of(const Session& session) {
  SessionRecord record;
  record.complete = session.status == "complete";
  record.stop_reason = session.stop_reason;
  if (session.failure) record.failure = split(session.failure->reason, ":").front();
  record.utterances = static_cast<std::int64_t>(session.messages.size());
  for (const auto& message : session.messages) {
    record.prompt_tokens += message.prompt_tokens;
    record.completion_tokens += message.completion_tokens;
  }
  return record;
}

void check_run_folder(const fs::path& path, const RunIdentity& identity, Existing existing) {
  if (path.empty()) throw ConfigError("--output: found nothing, expected the run's folder.");
  if (fs::exists(path) && !fs::is_directory(path))
    throw ConfigError(
        format("--output: '{}': found a file, expected a folder or nothing.", path.string()));
  // Other folders have a config.json too: a model's, a training's. The lock comes before ours.
  const bool is_run = fs::exists(path / kLock);
  if (fs::exists(path) && !fs::is_empty(path) && !is_run)
    throw ConfigError(
        format("--output: '{}': found a folder with other files, expected a run or "
               "nothing. Choose another --output.",
               path.string()));
  // A run that failed before its first session may begin again with mended settings.
  const bool has_sessions = fs::exists(path / kSessionsFile) || fs::exists(path / kJournalFile);
  const bool is_known = fs::exists(path / kConfig) && fs::exists(path / kInputs);
  if (existing == Existing::kRefuse && has_sessions && is_known) compare(path, identity);
}

RunFolder::RunFolder(const fs::path& path, const RunIdentity& identity, Existing existing)
    : path_(path) {
  check_run_folder(path_, identity, existing);
  fs::create_directories(path_);
  lock_.hold(path_ / kLock);
  if (existing == Existing::kOverwrite) start_over();
  write_file_atomic(path_ / kConfig, identity.config.dump(2) + "\n");
  write_file_atomic(path_ / kInputs, identity.inputs.dump(2) + "\n");
  dropped_bytes_ = drop_half_line(path_ / kJournalFile);
  read_records(path_ / kSessionsFile);
  read_records(path_ / kJournalFile);
}

void RunFolder::start_over() const {
  for (const auto& entry : fs::directory_iterator(path_))
    if (entry.path().filename() != kLock) fs::remove_all(entry.path());
}

void RunFolder::read_records(const fs::path& file) {
  if (!fs::exists(file)) return;
  for_each_line(file, [&](Json record, std::int64_t line) {
    const auto session = session_from_json(record, format("{}:{}", file.string(), line));
    records_[session.id] = summary_of(session);
  });
}

void RunFolder::write_prompts(const std::map<std::string, std::string>& texts) const {
  fs::create_directories(path_ / "prompts");
  for (const auto& [name, text] : texts) write_file_atomic(path_ / "prompts" / name, text);
}

void RunFolder::append(const Session& session) {
  const auto record = to_json(session);
  const std::lock_guard guard(mutex_);
  if (!journal_) journal_ = std::make_unique<JsonLinesAppender>(path_ / kJournalFile);
  journal_->append(record);
  records_[session.id] = summary_of(session);
}

void RunFolder::finish(const std::vector<std::string>& ids) {
  journal_.reset();
  std::map<std::string, std::string_view> lines;
  std::vector<std::unique_ptr<MappedFile>> files;
  for (const char* name : {kSessionsFile, kJournalFile}) {
    if (!fs::exists(path_ / name) || fs::is_empty(path_ / name)) continue;
    files.push_back(std::make_unique<MappedFile>(path_ / name));
    index_lines(files.back()->text(), lines);
  }
  AtomicFile file(path_ / kSessionsFile);
  const auto write_line = [&](std::string_view line) {
    file.write(line);
    file.write("\n");
  };
  for (const auto& id : ids) {
    const auto line = lines.extract(id);
    if (!line.empty()) write_line(line.mapped());
  }
  // Sessions of an earlier run that asked for more replicates are kept behind the plan's.
  for (const auto& [id, line] : lines) write_line(line);
  file.commit();
  fs::remove(path_ / kJournalFile);
}

}  // namespace sqpsych
