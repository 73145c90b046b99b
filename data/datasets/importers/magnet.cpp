#include "core/error.h"
#include "core/text.h"
#include "data/datasets/importers/importer.h"
#include "data/sessions/record_fields.h"

namespace sqpsych {
namespace magnet_importer {
namespace {

// The generator writes `example` and `history`, the release `AI_client` and `dialogue`: both are
// read.
bool recognises(const FileSample& sample) {
  return (sample.has_list("dialogue") && sample.has("AI_client")) ||
         (sample.has_list("history") && sample.has("example"));
}

SourceTurn turn_from_json(const Json& entry, const std::string& where) {
  RecordFields fields(entry, where);
  SourceTurn turn;
  fields.need_text("role", turn.speaker);
  turn.speaker = to_lower_ascii(turn.speaker);
  if (turn.speaker == "therapist") turn.speaker = "counselor";
  if (turn.speaker != "counselor" && turn.speaker != "client")
    throw FormatError(
        format("{}: role: found '{}', expected counselor or client", where, turn.speaker));
  fields.need("message", turn.text);
  return turn;
}

SourceSession convert(const Json& record, const std::string& where) {
  RecordFields fields(record, where);
  const bool released = record.contains("dialogue");
  const Json empty = Json::object();
  const Json* example = fields.find("example");
  const Json* client = released ? fields.find("AI_client")
                       : example && example->is_object() && example->contains("AI_client")
                           ? &(*example)["AI_client"]
                           : nullptr;
  RecordFields client_fields(client ? *client : empty, where + ": AI_client");
  SourceSession session;
  session.corpus = "magnet";
  session.language = "en";
  std::string intake_form;
  client_fields.need_text("intake_form", intake_form);
  session.client_id = content_id("magnet", intake_form);
  const char* list = released ? "dialogue" : "history";
  const Json& turns = fields.need_list(list);
  for (std::size_t i = 0; i < turns.size(); ++i)
    session.turns.push_back(turn_from_json(turns[i], format("{}: {}[{}]", where, list, i)));
  std::string file;
  session.id = fields.read("file", file) ? "magnet-" + std::filesystem::path(file).stem().string()
                                         : content_id("magnet", joined_text(session.turns));
  if (client) keep_fields(*client, {"attitude"}, session);
  return session;
}

void read(const std::filesystem::path& file, Import& import) { import_each(file, convert, import); }

}  // namespace
}  // namespace magnet_importer

extern const Importer kMagnetImporter;
const Importer kMagnetImporter = {
    "magnet", "MAGneT sessions (Mandal et al. 2025); the client is the intake form",
    magnet_importer::recognises, magnet_importer::read};

}  // namespace sqpsych
