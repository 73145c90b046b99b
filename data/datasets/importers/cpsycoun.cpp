#include "core/error.h"
#include "core/json_lines.h"
#include "core/text.h"
#include "data/datasets/dialogue_text.h"
#include "data/datasets/importers/importer.h"
#include "data/sessions/record_fields.h"

namespace sqpsych {
namespace cpsycoun_importer {
namespace {

bool recognises(const FileSample& sample) {
  if (!sample.has_text("text")) return false;
  const auto& text = sample.first["text"].get_ref<const std::string&>();
  for (const char* label : {"来访者", "求助者"})
    if (text.find(label) != std::string::npos) return true;
  return false;
}

/// The evaluation part keeps a dialogue as a JSON list of prefixed texts inside a text.
std::string transcript(const std::string& text, const std::string& where) {
  if (!trim(text).starts_with('[')) return text;
  std::string joined;
  for (const auto& line : parse_json(text, where + ": text")) {
    if (!line.is_string())
      throw FormatError(
          format("{}: text: found {} in the list, expected texts", where, describe_json(line)));
    joined += line.get<std::string>() + "\n";
  }
  return joined;
}

SourceSession convert(const Json& record, const std::string& where) {
  RecordFields fields(record, where);
  std::string text;
  fields.need_text("text", text);
  Dialogue dialogue = parse_dialogue(transcript(text, where), chinese_labels());
  if (dialogue.turns.empty())
    throw FormatError(
        where +
        ": text: found no line that starts with a speaker, expected 来访者：or 心理咨询师：");
  if (!dialogue.leading.empty())
    throw FormatError(where +
                      ": text: found text in front of the first speaker, expected a speaker");
  SourceSession session;
  session.corpus = "cpsycoun";
  session.language = "zh";
  session.turns = std::move(dialogue.turns);
  std::string id;
  std::string file;
  std::string topic;
  if (fields.read("id", id))
    session.id = "cpsycoun-" + id;
  else if (fields.read("topic", topic) && fields.read("file", file))
    session.id = format("cpsycoun-{}-{}", topic, std::filesystem::path(file).stem().string());
  else
    session.id = content_id("cpsycoun", text);
  session.client_id = session.id;
  keep_fields(record, {"topic"}, session);
  return session;
}

void read(const std::filesystem::path& file, Import& import) { import_each(file, convert, import); }

}  // namespace
}  // namespace cpsycoun_importer

extern const Importer kCpsycounImporter;
const Importer kCpsycounImporter = {
    "cpsycoun", "CPsyCoun dialogues with 来访者 / 心理咨询师 prefixes (Zhang et al. 2024)",
    cpsycoun_importer::recognises, cpsycoun_importer::read};

}  // namespace sqpsych
