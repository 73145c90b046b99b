#include "data/answers/answer_reader.h"

#include <algorithm>

#include "core/error.h"
#include "core/files.h"
#include "core/log.h"
#include "core/text.h"

namespace sqpsych {

extern const AnswerReader kSasXportReader;
extern const AnswerReader kSpssSavReader;
extern const AnswerReader kStataDtaReader;
extern const AnswerReader kCsvReader;

const std::vector<const AnswerReader*>& answer_readers() {
  static const std::vector<const AnswerReader*> readers = {
      &kSasXportReader,
      &kSpssSavReader,
      &kStataDtaReader,
      &kCsvReader,
  };
  return readers;
}

namespace {

constexpr std::size_t kHeadBytes = 512;

const AnswerReader* reader_of_extension(const std::filesystem::path& file) {
  std::string extension = to_lower_ascii(file.extension().string());
  if (!extension.empty()) extension.erase(0, 1);
  for (const auto* reader : answer_readers())
    for (const auto& known : reader->extensions)
      if (known == extension) return reader;
  return nullptr;
}

std::string known_extensions() {
  std::vector<std::string> names;
  for (const auto* reader : answer_readers())
    for (const auto& extension : reader->extensions) names.push_back("." + std::string(extension));
  return join(names, ", ");
}

const AnswerReader& choose_reader(const std::filesystem::path& file, std::string_view head) {
  for (const auto* reader : answer_readers())
    if (reader->recognises(head)) return *reader;
  const auto* by_extension = reader_of_extension(file);
  if (!by_extension)
    throw FormatError(format("answers: '{}': found an unknown kind of file, expected one of {}",
                             file.string(), known_extensions()));
  // A binary format that its own magic bytes do not confirm is damaged or mislabelled.
  if (by_extension != &kCsvReader)
    throw FormatError(
        format("answers: '{}': found content that is not {}, expected a {} file. Is "
               "it damaged or of another format?",
               file.string(), by_extension->name, by_extension->name));
  return *by_extension;
}

}  // namespace

AnswerTable read_answers(const std::filesystem::path& file, const AnswerFileConfig& config) {
  if (std::filesystem::is_directory(file))
    throw FormatError(format("answers: '{}': found a folder, expected a file", file.string()));
  if (!std::filesystem::exists(file))
    throw ConfigError(format("answers: '{}': found no such file, expected answers", file.string()));
  const AnswerReader* reader = nullptr;
  {
    const MappedFile mapped(file);
    if (mapped.size_bytes() == 0)
      throw FormatError(
          format("answers: '{}': found an empty file, expected answers", file.string()));
    reader = &choose_reader(file, mapped.text().substr(0, kHeadBytes));
  }
  AnswerTable table = reader->read(file, config);
  log_info(format("{}: {} with {} rows and {} columns{}{}", table.file_name(), reader->name,
                  with_thousands(static_cast<std::int64_t>(table.rows.size())),
                  table.columns.size(), table.description.empty() ? "" : "; ", table.description));
  return table;
}

}  // namespace sqpsych
