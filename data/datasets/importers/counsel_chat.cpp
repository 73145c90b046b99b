#include "core/text.h"
#include "data/datasets/importers/importer.h"
#include "data/sessions/record_fields.h"

namespace sqpsych {
namespace counsel_chat_importer {
namespace {

bool recognises(const FileSample& sample) {
  return sample.has("questionID") && sample.has("answerText");
}

/// Title and text; the title alone when the text repeats it or is empty.
std::string question(const std::string& title, const std::string& text) {
  if (trim(text).empty() || trim(text) == trim(title)) return std::string(trim(title));
  if (trim(title).empty()) return std::string(trim(text));
  return format("{}\n\n{}", trim(title), trim(text));
}

SourceSession convert(const Json& record, const std::string& where) {
  RecordFields fields(record, where);
  std::string id;
  std::string title;
  std::string text;
  std::string answer;
  fields.need_text("questionID", id);
  fields.read("questionTitle", title);
  fields.read("questionText", text);
  fields.need("answerText", answer);
  SourceSession session;
  session.corpus = "counsel-chat";
  session.language = "en";
  session.client_id = "counsel-chat-" + id;
  session.turns = {{"client", question(title, text), true},
                   {"counselor", std::string(trim(answer)), true}};
  session.id = format("{}-{}", session.client_id, content_id("answer", answer).substr(7));
  keep_fields(record, {"topic", "split"}, session);
  return session;
}

void read(const std::filesystem::path& file, Import& import) { import_each(file, convert, import); }

}  // namespace
}  // namespace counsel_chat_importer

extern const Importer kCounselChatImporter;
const Importer kCounselChatImporter = {
    "counsel-chat",
    "counselchat.com questions and answers (Bertagnolli 2020); the client is the question",
    counsel_chat_importer::recognises, counsel_chat_importer::read};

}  // namespace sqpsych
