#include "generate/agents/prompt_template.h"

#include <algorithm>
#include <set>

#include "core/files.h"
#include "core/hash.h"
#include "core/text.h"

namespace sqpsych {

std::vector<std::string> prompt_section_names() {
  return {"system", "opening", "nudge", "retry", "closing"};
}

std::vector<std::string> prompt_variable_names() {
  return {"history",    "turn",     "turns_left",    "min_turns",     "max_turns",
          "end_token",  "language", "language_name", "own_label",     "other_label",
          "word_limit", "rejected", "reason",        "risk_protocol", "first_speaker"};
}

std::map<std::string, std::string> read_sections(const std::string& text, const std::string& origin,
                                                 const std::vector<std::string>& known) {
  if (!is_valid_utf8(text))
    throw FormatError(
        format("{}: byte {}: found invalid UTF-8, expected UTF-8 text. Save the file "
               "as UTF-8.",
               origin, find_invalid_utf8(text)));
  std::map<std::string, std::string> texts;
  std::string current;
  const auto lines = split(replace_all(text, "\r\n", "\n"), "\n");
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const auto line = trim(lines[i]);
    if (!line.starts_with("[[") || !line.ends_with("]]")) {
      if (!current.empty()) texts[current] += lines[i] + "\n";
      continue;
    }
    current = std::string(trim(line.substr(2, line.size() - 4)));
    if (std::find(known.begin(), known.end(), current) == known.end())
      throw FormatError(format("{}:{}: section: found '{}', expected one of {}.", origin, i + 1,
                               current, quoted_list(known)));
    if (!texts.emplace(current, "").second)
      throw FormatError(format("{}:{}: section: found '{}' a second time, expected it once.",
                               origin, i + 1, current));
  }
  for (auto& [name, section] : texts) section = std::string(trim(section));
  return texts;
}

PromptTemplate::PromptTemplate(const std::string& text, const std::string& origin)
    : source_(text), origin_(origin), sha256_(sha256_hex(text)) {
  parse();
}

PromptTemplate PromptTemplate::read(const std::filesystem::path& path) {
  return PromptTemplate(read_file(path), path.string());
}

void PromptTemplate::parse() {
  const auto texts = read_sections(source_, origin_, prompt_section_names());
  if (!texts.count("system"))
    throw FormatError(
        format("{}: sections: found no '[[system]]' line, expected one. Put "
               "'[[system]]' above the instructions.",
               origin_));
  for (const auto& [name, text] : texts)
    sections_[name] = pieces_of(text, format("{}: section {}", origin_, name));
}

std::vector<PromptTemplate::Piece> PromptTemplate::pieces_of(const std::string& text,
                                                             const std::string& where) {
  std::vector<Piece> pieces;
  std::string literal;
  for (std::size_t i = 0; i < text.size();) {
    if (text.compare(i, 4, "{{{{") == 0) {
      literal += "{{";
      i += 4;
    } else if (text.compare(i, 2, "{{") == 0) {
      const auto close = text.find("}}", i);
      if (close == std::string::npos)
        throw FormatError(where +
                          ": placeholder: found '{{' without '}}', expected a name and "
                          "'}}'. Write '{{{{' for two braces.");
      pieces.push_back({literal, false});
      literal.clear();
      pieces.push_back({std::string(trim(text.substr(i + 2, close - i - 2))), true});
      i = close + 2;
    } else {
      literal += text[i++];
    }
  }
  pieces.push_back({literal, false});
  return pieces;
}

std::vector<std::string> PromptTemplate::placeholders() const {
  std::set<std::string> names;
  for (const auto& [section, pieces] : sections_)
    for (const auto& piece : pieces)
      if (piece.placeholder) names.insert(piece.text);
  return {names.begin(), names.end()};
}

std::string PromptTemplate::render(
    const std::string& section,
    const std::function<std::string(const std::string& name)>& value_of) const {
  const auto found = sections_.find(section);
  if (found == sections_.end()) return "";
  std::string text;
  for (const auto& piece : found->second)
    text += piece.placeholder ? value_of(piece.text) : piece.text;
  return std::string(trim(text));
}

}  // namespace sqpsych
