#include "data/datasets/importers/importer.h"

#include "data/sessions/record_fields.h"
#include "data/sessions/session.h"

namespace sqpsych {
namespace sqpsych_importer {
namespace {

bool recognises(const FileSample& sample) {
  return sample.has_text("schema") && sample.first["schema"] == "sqpsych.session/1";
}

bool positive(const Session& session) {
  const auto found = session.risk.find("positive");
  return found != session.risk.end() && found->is_boolean() && found->get<bool>();
}

SourceSession convert(const Json& record, const std::string& where) {
  const Session session = session_from_json(record, where);
  SourceSession source;
  source.corpus = "sqpsych";
  source.id = session.id;
  source.client_id = session.client_id;
  source.failed = session.status == "failed";
  source.risk_positive = positive(session);
  for (const auto& message : session.messages)
    source.turns.push_back({message.speaker, message.text, true});
  source.fields = {{"occasion", session.occasion},
                   {"strategy", session.strategy},
                   {"replicate", std::to_string(session.replicate)},
                   {"stop_reason", session.stop_reason}};
  RecordFields extra(session.unknown, where);
  extra.read("group", source.group);
  extra.read("language", source.language);
  keep_fields(session.unknown, {"backend"}, source);
  return source;
}

void read(const std::filesystem::path& file, Import& import) { import_each(file, convert, import); }

}  // namespace
}  // namespace sqpsych_importer

extern const Importer kSqpsychImporter;
const Importer kSqpsychImporter = {"sqpsych", "sessions.jsonl of `sqpsych generate`",
                                   sqpsych_importer::recognises, sqpsych_importer::read};

}  // namespace sqpsych
