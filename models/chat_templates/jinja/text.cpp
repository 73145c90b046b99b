#include "models/chat_templates/jinja/text.h"

#include <algorithm>

#include "models/chat_templates/jinja/characters.h"

namespace sqpsych::jinja {
namespace {

bool is_continuation(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) == 0x80; }

/// Start of the code point that ends at `end`.
std::size_t last_start(std::string_view text, std::size_t end) {
  std::size_t start = end - 1;
  while (start > 0 && is_continuation(text[start])) --start;
  return start;
}

bool is_cut(char32_t code, const std::string* characters) {
  if (!characters) return is_space(code);
  for (std::size_t position = 0; position < characters->size();)
    if (next_code_point(*characters, position) == code) return true;
  return false;
}

bool ends_line(char32_t code) {
  return (code >= 0x0A && code <= 0x0D) || (code >= 0x1C && code <= 0x1E) || code == 0x85 ||
         code == 0x2028 || code == 0x2029;
}

/// An empty text at the place of `text`.
Text emptied(const Text& text) {
  Text result;
  for (const Mark& mark : text.marks) result.marks.push_back({0, 0, mark.source});
  return result;
}

/// Beginnings and ends of the pieces between separators.
std::vector<std::pair<std::size_t, std::size_t>> cuts_at(std::string_view text,
                                                         const SplitRule& rule) {
  std::vector<std::pair<std::size_t, std::size_t>> pieces;
  const std::string& separator = *rule.separator;
  if (rule.from_right) {
    std::size_t end = text.size();
    while (pieces.size() < rule.most) {
      if (end < separator.size()) break;
      const auto found = text.substr(0, end).rfind(separator);
      if (found == std::string_view::npos) break;
      pieces.push_back({found + separator.size(), end});
      end = found;
    }
    pieces.push_back({0, end});
    std::reverse(pieces.begin(), pieces.end());
    return pieces;
  }
  std::size_t begin = 0;
  while (pieces.size() < rule.most) {
    const auto found = text.find(separator, begin);
    if (found == std::string_view::npos) break;
    pieces.push_back({begin, found});
    begin = found + separator.size();
  }
  pieces.push_back({begin, text.size()});
  return pieces;
}

std::vector<std::pair<std::size_t, std::size_t>> words_of(std::string_view text) {
  std::vector<std::pair<std::size_t, std::size_t>> words;
  bool inside = false;
  for (std::size_t position = 0; position < text.size();) {
    const std::size_t start = position;
    const bool space = is_space(next_code_point(text, position));
    if (!space && !inside) words.push_back({start, position});
    if (!space) words.back().second = position;
    inside = !space;
  }
  return words;
}

/// Words with the rest of the text as the last (or first) one when there are more than `most` cuts.
std::vector<std::pair<std::size_t, std::size_t>> cuts_at_space(std::string_view text,
                                                               const SplitRule& rule) {
  auto words = words_of(text);
  if (rule.most == std::string::npos || words.size() <= rule.most) return words;
  if (rule.from_right) {
    words.erase(words.begin(), words.end() - static_cast<std::ptrdiff_t>(rule.most + 1));
    words.front().first = 0;
  } else {
    words.resize(rule.most + 1);
    words.back().second = text.size();
  }
  return words;
}

}  // namespace

void Text::append(const Text& other) {
  const std::size_t shift = bytes.size();
  bytes += other.bytes;
  for (const Mark& mark : other.marks) {
    const bool continues = !marks.empty() && marks.back().source == mark.source &&
                           marks.back().end == mark.begin + shift;
    if (continues)
      marks.back().end = mark.end + shift;
    else
      marks.push_back({mark.begin + shift, mark.end + shift, mark.source});
  }
}

Text Text::part(std::size_t begin, std::size_t end) const {
  Text result(std::string_view(bytes).substr(begin, end - begin));
  for (const Mark& mark : marks) {
    const std::size_t from = std::max(mark.begin, begin);
    const std::size_t to = std::min(mark.end, end);
    const bool is_kept = from < to || (from == to && (mark.begin == mark.end || begin == end));
    if (is_kept) result.marks.push_back({from - begin, to - begin, mark.source});
  }
  return result;
}

std::size_t length_of(std::string_view text) {
  return text.size() -
         static_cast<std::size_t>(std::count_if(text.begin(), text.end(), is_continuation));
}

std::size_t offset_of(std::string_view text, std::size_t index) {
  std::size_t offset = 0;
  for (; index > 0 && offset < text.size(); --index)
    offset += utf8_length(static_cast<unsigned char>(text[offset]));
  return std::min(offset, text.size());
}

Text stripped(const Text& text, const std::string* characters, Side side) {
  const std::string_view bytes = text.bytes;
  std::size_t begin = 0;
  std::size_t end = bytes.size();
  while (side != Side::kRight && begin < end) {
    std::size_t next = begin;
    if (!is_cut(next_code_point(bytes, next), characters)) break;
    begin = next;
  }
  while (side != Side::kLeft && begin < end) {
    const std::size_t start = last_start(bytes, end);
    std::size_t next = start;
    if (!is_cut(next_code_point(bytes, next), characters)) break;
    end = start;
  }
  if (begin == 0 && end == bytes.size()) return text;
  return begin == end ? emptied(text) : text.part(begin, end);
}

Text replaced(const Text& text, std::string_view from, const Text& to, std::size_t most) {
  Text result;
  std::size_t done = 0;
  std::size_t next = 0;
  for (std::size_t count = 0; count < most; ++count) {
    const std::size_t found = from.empty() ? next : text.bytes.find(from, next);
    if (found == std::string::npos || found > text.bytes.size()) break;
    if (found > done) result.append(text.part(done, found));
    result.append(to);
    done = found + from.size();
    next = done;
    if (!from.empty()) continue;
    if (done == text.bytes.size()) break;
    next += utf8_length(static_cast<unsigned char>(text.bytes[done]));
  }
  if (done < text.bytes.size()) result.append(text.part(done, text.bytes.size()));
  return result.bytes.empty() ? emptied(text) : result;
}

std::vector<Text> split_text(const Text& text, const SplitRule& rule) {
  const auto pieces = rule.separator ? cuts_at(text.bytes, rule) : cuts_at_space(text.bytes, rule);
  std::vector<Text> parts;
  parts.reserve(pieces.size());
  for (const auto& [begin, end] : pieces) parts.push_back(text.part(begin, end));
  return parts;
}

std::vector<Text> split_lines(const Text& text, bool keep_ends) {
  std::vector<Text> lines;
  std::size_t begin = 0;
  for (std::size_t position = 0; position < text.bytes.size();) {
    const std::size_t start = position;
    const char32_t code = next_code_point(text.bytes, position);
    if (!ends_line(code)) continue;
    if (code == '\r' && position < text.bytes.size() && text.bytes[position] == '\n') ++position;
    lines.push_back(text.part(begin, keep_ends ? position : start));
    begin = position;
  }
  if (begin < text.bytes.size()) lines.push_back(text.part(begin, text.bytes.size()));
  return lines;
}

}  // namespace sqpsych::jinja
