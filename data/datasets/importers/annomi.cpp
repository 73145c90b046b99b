#include <algorithm>
#include <charconv>
#include <map>

#include "core/error.h"
#include "core/text.h"
#include "data/datasets/importers/importer.h"
#include "data/sessions/record_fields.h"

namespace sqpsych {
namespace annomi_importer {
namespace {

bool recognises(const FileSample& sample) {
  return sample.has("transcript_id") && sample.has("interlocutor") && sample.has("utterance_text");
}

struct Transcript {
  SourceSession session;
  std::map<std::int64_t, SourceTurn> turns;  // by utterance_id, which is the order
};

std::int64_t field_number(const std::string& text, const std::string& where) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size())
    throw FormatError(format("{}: utterance_id: found '{}', expected a whole number", where, text));
  return number;
}

/// The order of transcripts in the file, and each by its id.
struct Transcripts {
  std::vector<std::string> order;
  std::map<std::string, Transcript> by_id;
};

void add_utterance(const Json& record, const std::string& where, Transcripts& transcripts,
                   Import& import) {
  RecordFields fields(record, where);
  std::string id;
  std::string number;
  SourceTurn turn;
  fields.need_text("transcript_id", id);
  fields.need_text("utterance_id", number);
  fields.need_text("interlocutor", turn.speaker);
  fields.need("utterance_text", turn.text);
  if (turn.speaker == "therapist") turn.speaker = "counselor";
  if (turn.speaker != "counselor" && turn.speaker != "client")
    throw FormatError(
        format("{}: interlocutor: found '{}', expected therapist or client", where, turn.speaker));
  const std::int64_t position = field_number(number, where);
  auto [found, fresh] = transcripts.by_id.try_emplace(id);
  if (fresh) {
    transcripts.order.push_back(id);
    SourceSession& session = found->second.session;
    session.corpus = "annomi";
    session.language = "en";
    session.id = session.client_id = "annomi-" + id;
    session.where = where;
    keep_fields(record, {"mi_quality", "topic", "video_title"}, session);
  }
  if (!found->second.turns.emplace(position, std::move(turn)).second)
    ++import.notes["rows of a further annotator on the same utterance, left out"];
}

void read(const std::filesystem::path& file, Import& import) {
  Transcripts transcripts;
  const auto bad_before = std::ssize(import.bad);
  const auto bad = [&](const std::string& where, const std::string& reason) {
    import.bad.push_back({where, reason});
  };
  for_each_record(
      file,
      [&](const Json& record, const std::string& where) {
        try {
          add_utterance(record, where, transcripts, import);
        } catch (const FormatError& error) {
          bad(where, reason_of(error, where));
        }
      },
      bad);
  import.records += std::ssize(transcripts.order) + std::ssize(import.bad) - bad_before;
  for (const auto& id : transcripts.order) {
    Transcript& transcript = transcripts.by_id[id];
    for (auto& [position, turn] : transcript.turns)
      transcript.session.turns.push_back(std::move(turn));
    import.sessions.push_back(std::move(transcript.session));
  }
}

}  // namespace
}  // namespace annomi_importer

extern const Importer kAnnomiImporter;
const Importer kAnnomiImporter = {
    "annomi", "AnnoMI transcripts as CSV (Wu et al. 2022); the client is the transcript",
    annomi_importer::recognises, annomi_importer::read};

}  // namespace sqpsych
