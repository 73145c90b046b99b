#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "core/fields.h"
#include "data/answers/answer_table.h"

namespace sqpsych {

/// How a text file is to be read; `auto` detects and reports. Other formats know their layout and
/// use `encoding` only where the file does not declare one.
struct AnswerFileConfig {
  std::string encoding = "auto";
  std::string delimiter = "auto";
  std::string decimal = "auto";
  template <class Visitor>
  void fields(Visitor& visit) {
    visit("encoding", encoding, "character encoding of the text",
          one_of({"auto", "utf-8", "utf-16le", "utf-16be", "windows-1252", "iso-8859-1",
                  "iso-8859-15", "cp850", "macintosh"}));
    visit("delimiter", delimiter, "character between fields of a CSV file",
          one_of({"auto", ",", ";", "\t", "|"}));
    visit("decimal", decimal, "decimal sign of a CSV file", one_of({"auto", ".", ","}));
  }
};

/// One file format. Each is a file of this folder and one line in answer_readers().
struct AnswerReader {
  std::string_view name;                      ///< for messages: "SAS transport"
  std::vector<std::string_view> extensions;   ///< lower case, without the dot
  bool (*recognises)(std::string_view head);  ///< by the file's first bytes (up to 512)
  AnswerTable (*read)(const std::filesystem::path& file, const AnswerFileConfig& config);
};

const std::vector<const AnswerReader*>& answer_readers();

/// Reads a file with the reader that recognises its content, else the one of its extension. A
/// truncated, corrupt or empty file, or one whose content contradicts its extension, is a
/// FormatError, an absent one a ConfigError. Logs one line: format, rows, columns, what was
/// detected.
AnswerTable read_answers(const std::filesystem::path& file, const AnswerFileConfig& config);

}  // namespace sqpsych
