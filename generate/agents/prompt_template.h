#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "core/error.h"

namespace sqpsych {

/// A prompt file: sections that begin with a line `[[name]]`, and text with placeholders
/// `{{name}}`. Lines before the first section are a comment. `{{{{` stands for two braces.
///
/// Sections: `system` (required), `opening` (what the agent hears when nobody has spoken yet),
/// `nudge` (added when the session should come to an end), `retry` (added when a reply was empty or
/// repeated an earlier one), `closing` (added when another agent has just ended the session).
class PromptTemplate {
 public:
  /// FormatError names file and line. `origin` is the path for messages.
  PromptTemplate(const std::string& text, const std::string& origin);
  static PromptTemplate read(const std::filesystem::path& path);

  bool has(const std::string& section) const { return sections_.count(section) > 0; }
  /// Placeholder names of all sections, each once, sorted.
  std::vector<std::string> placeholders() const;
  /// Text of a section with every placeholder replaced; values are data and not looked at again.
  /// A missing section renders as an empty text.
  std::string render(const std::string& section,
                     const std::function<std::string(const std::string& name)>& value_of) const;
  const std::string& sha256() const { return sha256_; }
  const std::string& origin() const { return origin_; }
  const std::string& source() const { return source_; }

 private:
  struct Piece {
    std::string text;
    bool placeholder = false;
  };
  void parse();
  static std::vector<Piece> pieces_of(const std::string& text, const std::string& where);

  std::string source_;
  std::string origin_;
  std::string sha256_;
  std::map<std::string, std::vector<Piece>> sections_;
};

/// Texts below lines `[[name]]`, trimmed; lines above the first such line are a comment.
/// FormatError names file and line of a section that is not in `known` or comes twice, and the
/// byte of invalid UTF-8.
std::map<std::string, std::string> read_sections(const std::string& text, const std::string& origin,
                                                 const std::vector<std::string>& known);

/// Names of the sections a prompt file may have.
std::vector<std::string> prompt_section_names();

/// Placeholders every prompt may use besides profile fields: they tell about the talk, not about
/// the client.
std::vector<std::string> prompt_variable_names();

}  // namespace sqpsych
