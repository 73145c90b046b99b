#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/text.h"

namespace sqpsych::jinja {

/// Where a part of a text came from. 0 is the template itself; the caller gives numbers from 1 on.
using Source = std::uint32_t;

/// Bytes [begin, end) of a text came from `source`. An empty mark keeps the place of an empty text.
struct Mark {
  std::size_t begin = 0;
  std::size_t end = 0;
  Source source = 0;
};

/// A string that knows where its parts came from. Always valid UTF-8; offsets are bytes, indices as
/// templates see them are code points.
struct Text {
  std::string bytes;
  std::vector<Mark> marks;

  Text() = default;
  explicit Text(std::string_view text) : bytes(text) {}
  Text(std::string_view text, Source source) : bytes(text), marks{{0, text.size(), source}} {}

  void append(const Text& other);
  void append(std::string_view other) { bytes += other; }
  /// Bytes [begin, end) with the marks that touch them.
  Text part(std::size_t begin, std::size_t end) const;
  bool empty() const { return bytes.empty(); }
};

/// Number of code points.
std::size_t length_of(std::string_view text);
/// Byte offset of the code point with this index; the text's size when there are fewer.
std::size_t offset_of(std::string_view text, std::size_t index);

/// The text with every code point replaced by what `write(code, output)` appends; marks follow.
template <class Write>
Text rewritten(const Text& text, Write write) {
  Text result;
  std::vector<std::size_t> places(text.marks.empty() ? 0 : text.bytes.size() + 1);
  for (std::size_t position = 0; position < text.bytes.size();) {
    if (!places.empty()) places[position] = result.bytes.size();
    write(next_code_point(text.bytes, position), result.bytes);
  }
  if (!places.empty()) places.back() = result.bytes.size();
  for (const Mark& mark : text.marks)
    result.marks.push_back({places[mark.begin], places[mark.end], mark.source});
  return result;
}

enum class Side { kLeft, kRight, kBoth };
/// Without the code points of `characters` at the ends; without white space when null.
Text stripped(const Text& text, const std::string* characters, Side side);

/// At most `most` replacements from the left; an empty `from` stands between all code points.
Text replaced(const Text& text, std::string_view from, const Text& to, std::size_t most);

/// As Python's split / rsplit: by `separator`, or by runs of white space when null.
struct SplitRule {
  const std::string* separator = nullptr;
  std::size_t most = std::string::npos;  ///< number of cuts
  bool from_right = false;
};
std::vector<Text> split_text(const Text& text, const SplitRule& rule);
/// At \n, \r, \r\n and the other line ends that Python knows.
std::vector<Text> split_lines(const Text& text, bool keep_ends);

}  // namespace sqpsych::jinja
