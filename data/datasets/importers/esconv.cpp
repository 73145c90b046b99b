#include "core/error.h"
#include "core/text.h"
#include "data/datasets/importers/importer.h"
#include "data/sessions/record_fields.h"

namespace sqpsych {
namespace esconv_importer {
namespace {

bool recognises(const FileSample& sample) {
  return sample.has_list("dialog") && sample.has("emotion_type");
}

/// `usr` / `sys` in the dialogues, `speaker` / `listener` in the failed ones, seeker / supporter in
/// the first release.
std::string speaker_of(const std::string& name, const std::string& where) {
  if (name == "usr" || name == "speaker" || name == "seeker") return "client";
  if (name == "sys" || name == "listener" || name == "supporter") return "counselor";
  throw FormatError(
      format("{}: speaker: found '{}', expected usr, sys, speaker, listener, seeker or supporter",
             where, name));
}

SourceTurn turn_from_json(const Json& entry, const std::string& where) {
  RecordFields fields(entry, where);
  SourceTurn turn;
  fields.need_text("speaker", turn.speaker);
  turn.speaker = speaker_of(turn.speaker, where);
  if (!fields.read("content", turn.text)) fields.need("text", turn.text);
  turn.text = std::string(trim(turn.text));
  return turn;
}

std::string split_of(const std::string& where) {
  const std::string file = std::filesystem::path(where.substr(0, where.rfind(':'))).stem().string();
  return file == "train" || file == "valid" || file == "test" ? file : "";
}

SourceSession convert(const Json& record, const std::string& where) {
  RecordFields fields(record, where);
  SourceSession session;
  session.corpus = "esconv";
  session.language = "en";
  const Json& turns = fields.need_list("dialog");
  for (std::size_t i = 0; i < turns.size(); ++i)
    session.turns.push_back(turn_from_json(turns[i], format("{}: dialog[{}]", where, i)));
  // Only the failed dialogues keep the annotations of the collecting site.
  session.failed = !turns.empty() && turns[0].contains("annotation") &&
                   turns[0]["speaker"] != "seeker" && turns[0]["speaker"] != "supporter";
  session.id = content_id("esconv", joined_text(session.turns));
  session.client_id = session.id;
  keep_fields(record, {"experience_type", "emotion_type", "problem_type"}, session);
  session.fields["split"] = split_of(where);
  return session;
}

void read(const std::filesystem::path& file, Import& import) { import_each(file, convert, import); }

}  // namespace
}  // namespace esconv_importer

extern const Importer kEsconvImporter;
const Importer kEsconvImporter = {
    "esconv", "ESConv dialogues and failed dialogues (Liu et al. 2021); the client is the dialogue",
    esconv_importer::recognises, esconv_importer::read};

}  // namespace sqpsych
