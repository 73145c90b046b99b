#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "core/json.h"
#include "data/datasets/source_records.h"
#include "data/datasets/source_session.h"

namespace sqpsych {

/// How one published shape of sessions is read. A shape is one file without a header plus one line
/// in the list of importer.cpp.
struct Importer {
  const char* name;
  const char* about;  ///< one line for people
  bool (*recognises)(const FileSample& sample);
  /// FormatError only when the file as a whole cannot be read; bad records go to `import.bad`.
  void (*read)(const std::filesystem::path& file, Import& import);
};

const std::vector<Importer>& importers();
std::vector<std::string> importer_names();

/// By name, or for `auto` by content. ConfigError names the known formats and, for `auto`, what the
/// file's first record looks like.
const Importer& choose_importer(const std::string& format_name, const std::filesystem::path& file);

/// For importers: one record is one session. FormatErrors of `convert` make the record a bad one.
using ConvertRecord = SourceSession (*)(const Json& record, const std::string& where);
void import_each(const std::filesystem::path& file, ConvertRecord convert, Import& import);

/// For importers: `CORPUS-` and 16 hexadecimal digits of the SHA-256 of `content`.
std::string content_id(std::string_view corpus, std::string_view content);
/// For importers: all turns as one text, for ids by content.
std::string joined_text(const std::vector<SourceTurn>& turns);
/// For importers: copies the keys that hold a text or a number into `fields`, as texts.
void keep_fields(const Json& record, const std::vector<const char*>& keys, SourceSession& session);

}  // namespace sqpsych
