#include "core/text.h"
#include "data/datasets/importers/importer.h"
#include "data/sessions/record_fields.h"

namespace sqpsych {
namespace pairs_importer {
namespace {

bool recognises(const FileSample& sample) {
  return (sample.has_text("input") && sample.has_text("output")) ||
         (sample.has_text("prompt") && sample.has_text("completion"));
}

SourceSession convert(const Json& record, const std::string& where) {
  RecordFields fields(record, where);
  SourceSession session;
  session.corpus = "pairs";
  std::string input;
  std::string output;
  if (record.contains("prompt")) {
    fields.need("prompt", input);
    fields.need("completion", output);
  } else {
    fields.need("input", input);
    fields.need("output", output);
  }
  // White space stays: in raw rows the text is input and output as they are.
  session.turns = {{"client", input, true}, {"counselor", output, true}};
  session.id = content_id("pairs", joined_text(session.turns));
  session.client_id = content_id("pairs", input);
  fields.read("client_id", session.client_id);
  return session;
}

void read(const std::filesystem::path& file, Import& import) { import_each(file, convert, import); }

}  // namespace
}  // namespace pairs_importer

extern const Importer kPairsImporter;
const Importer kPairsImporter = {
    "pairs", "texts `input` / `output` (SQPsychConv finetune sets) or `prompt` / `completion`",
    pairs_importer::recognises, pairs_importer::read};

}  // namespace sqpsych
