#include "core/error.h"
#include "core/text.h"
#include "data/datasets/importers/importer.h"
#include "data/sessions/record_fields.h"

namespace sqpsych {
namespace alpaca_importer {
namespace {

bool recognises(const FileSample& sample) {
  return sample.has("instruction") && sample.has("output");
}

void add_history(const Json& history, const std::string& where, SourceSession& session) {
  if (!history.is_array())
    throw FormatError(
        format("{}: history: found {}, expected a list", where, describe_json(history)));
  for (std::size_t i = 0; i < history.size(); ++i) {
    const Json& pair = history[i];
    if (!pair.is_array() || pair.size() != 2 || !pair[0].is_string() || !pair[1].is_string())
      throw FormatError(format("{}: history[{}]: found {}, expected a list of two texts", where, i,
                               describe_json(pair)));
    session.turns.push_back({"client", pair[0].get<std::string>(), true});
    session.turns.push_back({"counselor", pair[1].get<std::string>(), true});
  }
}

SourceSession convert(const Json& record, const std::string& where) {
  RecordFields fields(record, where);
  SourceSession session;
  session.corpus = "alpaca";
  std::string instruction;
  std::string input;
  std::string output;
  fields.need("instruction", instruction);
  fields.read("input", input);
  fields.need("output", output);
  fields.read("system", session.system);
  if (const Json* history = fields.find("history")) add_history(*history, where, session);
  const bool both = !instruction.empty() && !input.empty();
  session.turns.push_back({"client", instruction + (both ? "\n" : "") + input, true});
  session.turns.push_back({"counselor", output, true});
  session.id = content_id("alpaca", joined_text(session.turns));
  session.client_id = content_id("alpaca", session.turns[0].text);
  fields.read("client_id", session.client_id);
  return session;
}

void read(const std::filesystem::path& file, Import& import) { import_each(file, convert, import); }

}  // namespace
}  // namespace alpaca_importer

extern const Importer kAlpacaImporter;
const Importer kAlpacaImporter = {"alpaca",
                                  "Alpaca instruction / input / output with history; the client is "
                                  "client_id, else the first turn",
                                  alpaca_importer::recognises, alpaca_importer::read};

}  // namespace sqpsych
