#include "data/datasets/dataset_row.h"

#include "core/files.h"
#include "core/json_lines.h"
#include "core/text.h"
#include "data/datasets/source_records.h"
#include "data/sessions/record_fields.h"

namespace sqpsych {

namespace {

const std::vector<std::string> kRoles = {"system", "user", "assistant"};

std::string content_from_json(RecordFields& fields) {
  const Json* found = fields.find("content");
  std::string content;
  if (!found || !found->is_array()) {
    fields.need("content", content);
    return content;
  }
  for (std::size_t i = 0; i < found->size(); ++i) {
    RecordFields part((*found)[i], format("{}: content[{}]", fields.where(), i));
    std::string type = "text";
    part.choose("type", type, {"text"});
    std::string text;
    part.need("text", text);
    content += text;
  }
  return content;
}

std::optional<double> weight_from_json(RecordFields& fields) {
  double weight = 1;
  bool flag = true;
  if (fields.read("weight", weight)) {
    if (weight != 0 && weight != 1)
      throw FormatError(format("{}: weight: found {}, expected 0 or 1", fields.where(), weight));
    return weight;
  }
  if (fields.read("train", flag)) return flag ? 1.0 : 0.0;
  if (fields.read("masked", flag)) return flag ? 0.0 : 1.0;
  return std::nullopt;
}

Message chat_message_from_json(const Json& record, const std::string& where) {
  RecordFields fields(record, where);
  Message message;
  fields.need_text("role", message.role);
  fields.choose("role", message.role, kRoles);
  message.content = content_from_json(fields);
  message.weight = weight_from_json(fields);
  return message;
}

Conversation conversation_from_json(const Json& list, const std::string& where) {
  Conversation messages;
  for (std::size_t i = 0; i < list.size(); ++i)
    messages.push_back(chat_message_from_json(list[i], format("{}[{}]", where, i)));
  if (messages.empty())
    throw FormatError(where + ": found an empty list, expected at least one message");
  return messages;
}

/// TRL's conversational prompt-completion rows: only the completion's replies are trained.
Conversation conversation_from_parts(RecordFields& fields) {
  Conversation messages =
      conversation_from_json(fields.need_list("prompt"), fields.where() + ": prompt");
  for (auto& message : messages) message.weight = 0;
  for (auto& message :
       conversation_from_json(fields.need_list("completion"), fields.where() + ": completion")) {
    if (!message.weight) message.weight = 1;
    messages.push_back(std::move(message));
  }
  return messages;
}

void read_text(RecordFields& fields, DatasetRow& row) {
  const Json* prompt = fields.find("prompt");
  if (fields.find("messages")) {
    row.messages =
        conversation_from_json(fields.need_list("messages"), fields.where() + ": messages");
  } else if (prompt && prompt->is_array()) {
    row.messages = conversation_from_parts(fields);
  } else if (prompt || fields.find("completion")) {
    fields.need("prompt", row.prompt);
    fields.need("completion", row.completion);
    if (row.prompt.empty() && row.completion.empty())
      throw FormatError(fields.where() +
                        ": found an empty prompt and completion, expected some text");
  } else {
    throw FormatError(fields.where() +
                      ": found neither 'messages' nor 'prompt' and 'completion', expected one of "
                      "them. `sqpsych dataset` converts other shapes.");
  }
}

}  // namespace

Json to_json(const DatasetRow& row) {
  Json record = Json::object();
  if (row.is_raw()) {
    record["prompt"] = row.prompt;
    record["completion"] = row.completion;
  } else {
    Json messages = Json::array();
    for (const auto& message : row.messages) {
      Json entry = {{"role", message.role}, {"content", message.content}};
      if (message.weight) entry["weight"] = static_cast<int>(*message.weight);
      messages.push_back(std::move(entry));
    }
    record["messages"] = std::move(messages);
  }
  record["id"] = row.id;
  record["client_id"] = row.client_id;
  record["meta"] = row.meta;
  return record;
}

DatasetRow dataset_row_from_json(const Json& record, const std::string& where) {
  RecordFields fields(record, where);
  if (const Json* schema = fields.find("schema");
      schema && schema->is_string() && schema->get<std::string>().starts_with("sqpsych.session"))
    throw FormatError(
        format("{}: schema: found a session, expected a training row. Make rows of sessions with "
               "`sqpsych dataset`.",
               where));
  DatasetRow row;
  row.id = std::filesystem::path(where).filename().string();
  fields.read("id", row.id);
  row.client_id = row.id;
  fields.read("client_id", row.client_id);
  read_text(fields, row);
  if (const Json* meta = fields.find("meta")) {
    if (!meta->is_object())
      throw FormatError(
          format("{}: meta: found {}, expected an object", where, describe_json(*meta)));
    row.meta = *meta;
  }
  return row;
}

std::vector<DatasetRow> read_dataset_rows(const std::filesystem::path& file) {
  std::vector<DatasetRow> rows;
  for_each_json_record(file, [&](const Json& record, const std::string& where) {
    rows.push_back(dataset_row_from_json(record, where));
  });
  return rows;
}

}  // namespace sqpsych
