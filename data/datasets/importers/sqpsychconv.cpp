#include "core/error.h"
#include "core/files.h"
#include "core/text.h"
#include "data/datasets/dialogue_text.h"
#include "data/datasets/importers/importer.h"
#include "data/sessions/record_fields.h"

namespace sqpsych {
namespace sqpsychconv_importer {
namespace {

bool is_transcript(const std::string& text) {
  std::string speaker;
  return leading_label(trim(text), english_labels(), speaker) > 0;
}

bool recognises(const FileSample& sample) {
  return sample.has_text("dialogue") || is_transcript(sample.text);
}

std::vector<SourceTurn> turns_of(const std::string& text, const std::string& where) {
  Dialogue dialogue = parse_dialogue(text, english_labels());
  if (dialogue.turns.empty())
    throw FormatError(
        where + ": found no line that starts with a speaker, expected `Therapist:` or `Client:`");
  if (!dialogue.leading.empty())
    throw FormatError(
        where + ": found text in front of the first speaker, expected `Therapist:` or `Client:`");
  return std::move(dialogue.turns);
}

SourceSession convert(const Json& record, const std::string& where) {
  RecordFields fields(record, where);
  std::string text;
  fields.need_text("dialogue", text);
  SourceSession session;
  session.corpus = "sqpsychconv";
  session.turns = turns_of(text, where + ": dialogue");
  session.id = content_id("sqpsychconv", text);
  // file_id names the group, so it is hashed; all seven sets share the same file ids.
  std::string file_id;
  session.client_id =
      fields.read("file_id", file_id) ? content_id("sqpsychconv", file_id) : session.id;
  fields.read("condition", session.group);
  keep_fields(record, {"client_model", "therapist_model"}, session);
  return session;
}

/// The generator's own files: one transcript each.
void read_transcript(const std::filesystem::path& file, Import& import) {
  const std::string where = file.string();
  const std::string text = read_file(file);
  ++import.records;
  try {
    if (!is_valid_utf8(text))
      throw FormatError(where + ": found bytes that are not UTF-8, expected UTF-8 text");
    SourceSession session;
    session.corpus = "sqpsychconv";
    session.where = where;
    session.turns = turns_of(text, where);
    session.id = session.client_id = content_id("sqpsychconv", text);
    import.sessions.push_back(std::move(session));
  } catch (const FormatError& error) {
    import.bad.push_back({where, reason_of(error, where)});
  }
}

void read(const std::filesystem::path& file, Import& import) {
  if (is_transcript(sample_file(file).text))
    read_transcript(file, import);
  else
    import_each(file, convert, import);
}

}  // namespace
}  // namespace sqpsychconv_importer

extern const Importer kSqpsychConvImporter;
const Importer kSqpsychConvImporter = {
    "sqpsychconv",
    "SQPsychConv `dialogue` texts, or transcripts with `Therapist:` / `Client:` lines",
    sqpsychconv_importer::recognises, sqpsychconv_importer::read};

}  // namespace sqpsych
