#include "core/error.h"
#include "core/text.h"
#include "data/datasets/importers/importer.h"
#include "data/sessions/record_fields.h"

namespace sqpsych {
namespace sharegpt_importer {
namespace {

bool recognises(const FileSample& sample) { return sample.has_list("conversations"); }

std::string speaker_of(const std::string& name, const std::string& where) {
  if (name == "human" || name == "user") return "client";
  if (name == "gpt" || name == "assistant" || name == "chatgpt" || name == "model")
    return "counselor";
  throw FormatError(
      format("{}: from: found '{}', expected human, user, gpt, assistant, chatgpt, model or, in "
             "front, system",
             where, name));
}

void add_turn(const Json& entry, const std::string& where, SourceSession& session) {
  RecordFields fields(entry, where);
  std::string from;
  SourceTurn turn;
  if (!fields.read("from", from)) fields.need_text("role", from);
  if (!fields.read("value", turn.text)) fields.need("content", turn.text);
  if (from == "system" && session.turns.empty()) {
    session.system += (session.system.empty() ? "" : "\n\n") + turn.text;
    return;
  }
  turn.speaker = speaker_of(from, where);
  session.turns.push_back(std::move(turn));
}

SourceSession convert(const Json& record, const std::string& where) {
  RecordFields fields(record, where);
  SourceSession session;
  session.corpus = "sharegpt";
  fields.read("system", session.system);
  const Json& turns = fields.need_list("conversations");
  for (std::size_t i = 0; i < turns.size(); ++i)
    add_turn(turns[i], format("{}: conversations[{}]", where, i), session);
  if (session.turns.empty())
    throw FormatError(where + ": conversations: found no turn, expected some");
  const auto id = record.find("id");
  const bool has_id = id != record.end() && (id->is_string() || id->is_number_integer());
  session.id = has_id ? "sharegpt-" + (id->is_string() ? id->get<std::string>() : id->dump())
                      : content_id("sharegpt", joined_text(session.turns));
  session.client_id = content_id("sharegpt", session.turns[0].text);
  fields.read("client_id", session.client_id);
  return session;
}

void read(const std::filesystem::path& file, Import& import) { import_each(file, convert, import); }

}  // namespace
}  // namespace sharegpt_importer

extern const Importer kSharegptImporter;
const Importer kSharegptImporter = {
    "sharegpt", "ShareGPT `conversations`; the client is client_id, else the first turn",
    sharegpt_importer::recognises, sharegpt_importer::read};

}  // namespace sqpsych
