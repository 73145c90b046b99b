#include "core/error.h"
#include "core/text.h"
#include "data/datasets/dataset_row.h"
#include "data/datasets/importers/importer.h"

namespace sqpsych {
namespace messages_importer {
namespace {

bool recognises(const FileSample& sample) {
  return sample.has_list("messages") ||
         (sample.has_list("prompt") && sample.has_list("completion"));
}

SourceSession convert(const Json& record, const std::string& where) {
  const DatasetRow row = dataset_row_from_json(record, where);
  SourceSession session;
  session.corpus = "messages";
  for (std::size_t i = 0; i < row.messages.size(); ++i) {
    const Message& message = row.messages[i];
    if (message.role == "system") {
      if (!session.turns.empty())
        throw FormatError(format(
            "{}: messages[{}]: found a system message behind the first turn, expected it in front",
            where, i));
      session.system += (session.system.empty() ? "" : "\n\n") + message.content;
    } else {
      session.turns.push_back({message.role == "user" ? "client" : "counselor", message.content,
                               message.weight.value_or(1) != 0});
    }
  }
  if (session.turns.empty())
    throw FormatError(where + ": messages: found no user or assistant message, expected some");
  session.id = record.contains("id") ? row.id : content_id("messages", joined_text(session.turns));
  // Rows that grow one conversation reply by reply share its first message.
  session.client_id =
      record.contains("client_id") ? row.client_id : content_id("messages", session.turns[0].text);
  for (const auto& [key, value] : row.meta.items()) keep_fields(row.meta, {key.c_str()}, session);
  return session;
}

void read(const std::filesystem::path& file, Import& import) { import_each(file, convert, import); }

}  // namespace
}  // namespace messages_importer

extern const Importer kMessagesImporter;
const Importer kMessagesImporter = {
    "messages", "OpenAI `messages` rows; the client is client_id, else the first message",
    messages_importer::recognises, messages_importer::read};

}  // namespace sqpsych
