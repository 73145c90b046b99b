#include "data/sessions/session.h"

#include <set>

#include "core/json_lines.h"
#include "core/text.h"
#include "data/sessions/record_fields.h"

namespace sqpsych {

namespace {

constexpr const char* kSessionSchema = "sqpsych.session/1";
const std::vector<std::string> kSpeakers = {"counselor", "client"};
const std::vector<std::string> kStatuses = {"complete", "failed"};
const std::vector<std::string> kStopReasons = {"end_token", "max_turns", "failed", "refused",
                                               "interrupted"};

void add_unknown(Json& record, const Json& unknown) {
  for (const auto& [key, value] : unknown.items())
    if (!record.contains(key)) record[key] = value;
}

Json to_json(const SessionMessage& message) {
  Json record = {{"speaker", message.speaker},
                 {"text", message.text},
                 {"agent", message.agent},
                 {"model", message.model},
                 {"prompt_sha256", message.prompt_sha256},
                 {"sampling", message.sampling},
                 {"seed", message.seed},
                 {"prompt_tokens", message.prompt_tokens},
                 {"completion_tokens", message.completion_tokens},
                 {"seconds", message.seconds},
                 {"steps", message.steps}};
  add_unknown(record, message.unknown);
  return record;
}

void read_object(RecordFields& fields, const char* key, Json& value) {
  const Json* found = fields.find(key);
  if (!found) return;
  if (!found->is_object())
    throw FormatError(
        format("{}: {}: found {}, expected an object", fields.where(), key, describe_json(*found)));
  value = *found;
}

SessionMessage message_from_json(const Json& record, const std::string& where) {
  RecordFields fields(record, where);
  SessionMessage message;
  fields.need_text("speaker", message.speaker);
  fields.choose("speaker", message.speaker, kSpeakers);
  fields.need("text", message.text);
  fields.read("agent", message.agent);
  fields.read("model", message.model);
  fields.read("prompt_sha256", message.prompt_sha256);
  read_object(fields, "sampling", message.sampling);
  fields.read("seed", message.seed);
  fields.read("prompt_tokens", message.prompt_tokens);
  fields.read("completion_tokens", message.completion_tokens);
  fields.read("seconds", message.seconds);
  if (record.contains("steps")) message.steps = fields.need_list("steps");
  message.unknown = fields.unknown();
  return message;
}

std::optional<SessionFailure> failure_from_json(RecordFields& session) {
  const Json* record = session.find("failure");
  if (!record) return std::nullopt;
  RecordFields fields(*record, session.where() + ": failure");
  SessionFailure failure;
  fields.need("where", failure.where);
  fields.need("reason", failure.reason);
  return failure;
}

}  // namespace

Json to_json(const Session& session) {
  Json messages = Json::array();
  for (const auto& message : session.messages) messages.push_back(to_json(message));
  Json failure;
  if (session.failure)
    failure = {{"where", session.failure->where}, {"reason", session.failure->reason}};
  Json record = {{"schema", kSessionSchema},
                 {"id", session.id},
                 {"client_id", session.client_id},
                 {"occasion", session.occasion},
                 {"strategy", session.strategy},
                 {"replicate", session.replicate},
                 {"seed", session.seed},
                 {"status", session.status},
                 {"stop_reason", session.stop_reason},
                 {"messages", std::move(messages)},
                 {"risk", session.risk},
                 {"failure", std::move(failure)}};
  add_unknown(record, session.unknown);
  return record;
}

Session session_from_json(const Json& record, const std::string& where) {
  RecordFields fields(record, where);
  need_schema(record, kSessionSchema, where);
  fields.find("schema");
  Session session;
  fields.need_text("id", session.id);
  fields.need_text("client_id", session.client_id);
  fields.read("occasion", session.occasion);
  fields.read("strategy", session.strategy);
  fields.read("replicate", session.replicate);
  fields.read("seed", session.seed);
  fields.need_text("status", session.status);
  fields.choose("status", session.status, kStatuses);
  fields.choose("stop_reason", session.stop_reason, kStopReasons);
  const Json& messages = fields.need_list("messages");
  for (std::size_t i = 0; i < messages.size(); ++i)
    session.messages.push_back(
        message_from_json(messages[i], format("{}: messages[{}]", where, i)));
  read_object(fields, "risk", session.risk);
  session.failure = failure_from_json(fields);
  session.unknown = fields.unknown();
  return session;
}

std::vector<Session> read_sessions(const std::filesystem::path& file) {
  std::vector<Session> sessions;
  std::set<std::string> ids;
  for_each_line(file, [&](const Json& record, std::int64_t line) {
    const std::string where = format("{}:{}", file.string(), line);
    sessions.push_back(session_from_json(record, where));
    if (!ids.insert(sessions.back().id).second)
      throw FormatError(format("{}: id: found '{}' a second time, expected every session once",
                               where, sessions.back().id));
  });
  return sessions;
}

}  // namespace sqpsych
