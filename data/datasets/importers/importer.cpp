#include "data/datasets/importers/importer.h"

#include "core/error.h"
#include "core/hash.h"
#include "core/text.h"

namespace sqpsych {

extern const Importer kSqpsychImporter;
extern const Importer kMagnetImporter;
extern const Importer kCpsycounImporter;
extern const Importer kAnnomiImporter;
extern const Importer kEsconvImporter;
extern const Importer kCounselChatImporter;
extern const Importer kSqpsychConvImporter;
extern const Importer kMessagesImporter;
extern const Importer kSharegptImporter;
extern const Importer kAlpacaImporter;
extern const Importer kPairsImporter;

namespace {

std::string what_was_found(const FileSample& sample) {
  const Json& record = sample.first;
  if (record.is_null())
    return "no readable record" + (sample.fault.empty() ? "" : " (" + sample.fault + ")");
  if (!record.is_object()) return "records that are no objects";
  std::vector<std::string> keys;
  for (const auto& [key, value] : record.items()) keys.push_back(key);
  return "records with the keys " + quoted_list(keys);
}

}  // namespace

const std::vector<Importer>& importers() {
  // `auto` takes the first that recognises a file.
  static const std::vector<Importer> list = {
      kSqpsychImporter,  kMagnetImporter,      kCpsycounImporter,    kAnnomiImporter,
      kEsconvImporter,   kCounselChatImporter, kSqpsychConvImporter, kMessagesImporter,
      kSharegptImporter, kAlpacaImporter,      kPairsImporter,
  };
  return list;
}

std::vector<std::string> importer_names() {
  std::vector<std::string> names;
  for (const auto& importer : importers()) names.push_back(importer.name);
  return names;
}

const Importer& choose_importer(const std::string& format_name, const std::filesystem::path& file) {
  if (format_name != "auto") {
    for (const auto& importer : importers())
      if (importer.name == format_name) return importer;
    throw ConfigError(format("format: found '{}', expected auto or one of {}", format_name,
                             quoted_list(importer_names())));
  }
  const FileSample sample = sample_file(file);
  for (const auto& importer : importers())
    if (importer.recognises(sample)) return importer;
  throw ConfigError(format("{}: found {}, expected one of the formats {}. Set format if it is one.",
                           file.string(), what_was_found(sample), quoted_list(importer_names())));
}

void import_each(const std::filesystem::path& file, ConvertRecord convert, Import& import) {
  const auto bad = [&](const std::string& where, const std::string& reason) {
    ++import.records;
    import.bad.push_back({where, reason});
  };
  for_each_record(
      file,
      [&](const Json& record, const std::string& where) {
        try {
          SourceSession session = convert(record, where);
          ++import.records;
          session.where = where;
          import.sessions.push_back(std::move(session));
        } catch (const FormatError& error) {
          bad(where, reason_of(error, where));
        }
      },
      bad);
}

std::string content_id(std::string_view corpus, std::string_view content) {
  return format("{}-{}", corpus, sha256_hex(content).substr(0, 16));
}

std::string joined_text(const std::vector<SourceTurn>& turns) {
  std::string text;
  for (const auto& turn : turns) text += turn.speaker + ": " + turn.text + "\n";
  return text;
}

void keep_fields(const Json& record, const std::vector<const char*>& keys, SourceSession& session) {
  for (const char* key : keys) {
    const auto found = record.find(key);
    if (found == record.end() || found->is_null() || found->is_structured()) continue;
    session.fields[key] = found->is_string() ? found->get<std::string>() : found->dump();
  }
}

}  // namespace sqpsych
