#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "core/text.h"
#include "models/tokenizers/tokenizer.h"

namespace sqpsych::tokenizers {

/// U+2581, which SentencePiece writes for a space.
inline constexpr std::string_view kSpaceMark = "\xE2\x96\x81";

/// A text on its way through normalisation that still knows where its bytes came from.
/// bound(i) is the input position of the boundary before byte i, up to i = size(); it never falls,
/// so neighbouring ranges of `text` have neighbouring ranges of the input.
struct AlignedText {
  std::string text;
  std::vector<std::size_t> bounds;  ///< size() + 1 entries; none while the text is unchanged
  std::size_t base = 0;             ///< input position of an unchanged text

  /// `range` of `input`, unchanged.
  static AlignedText of(std::string_view input, ByteSpan range);

  std::size_t bound(std::size_t i) const { return bounds.empty() ? base + i : bounds[i]; }
  std::size_t size() const { return text.size(); }
  bool empty() const { return text.empty(); }
  AlignedText part(ByteSpan range) const;
  /// Counts what was dropped before the first byte to it.
  void begin_at(std::size_t position);
};

/// Writes a new AlignedText from an old one, left to right.
class AlignedWriter {
 public:
  explicit AlignedWriter(const AlignedText& source);
  /// Bytes [begin, end) of the source as they are.
  void copy(std::size_t begin, std::size_t end);
  /// `bytes` in place of the source from `begin` on. FormatError when the text grows out of hand.
  void replace(std::string_view bytes, std::size_t begin);
  /// Ends the text; what follows `end` of the source is dropped.
  AlignedText finish(std::size_t end);
  std::size_t written() const { return result_.text.size(); }

 private:
  const AlignedText& source_;
  AlignedText result_;
};

/// Rewrites character by character: `rewrite(code, bytes)` is true when `bytes`, empty at first,
/// takes the place of the character.
template <class Rewrite>
AlignedText rewrite_characters(AlignedText source, const Rewrite& rewrite) {
  std::string bytes;
  const std::string_view text = source.text;
  std::size_t at = 0;
  for (std::size_t next = 0; at < text.size(); at = next)
    if (bytes.clear(); rewrite(next_code_point(text, next), bytes)) break;
  if (at == text.size()) return source;
  AlignedWriter writer(source);
  writer.copy(0, at);
  for (std::size_t next = at; at < text.size(); at = next)
    if (bytes.clear(); rewrite(next_code_point(text, next), bytes))
      writer.replace(bytes, at);
    else
      writer.copy(at, next);
  return writer.finish(text.size());
}

}  // namespace sqpsych::tokenizers
