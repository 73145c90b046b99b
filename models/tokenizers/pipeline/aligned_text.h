#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "models/tokenizers/tokenizer.h"

namespace sqpsych::tokenizers {

/// U+2581, which SentencePiece writes for a space.
inline constexpr std::string_view kSpaceMark = "\xE2\x96\x81";

/// A text on its way through normalisation that still knows where its bytes came from.
/// bounds[i] is the input position of the boundary before byte i; bounds has size() + 1 entries and
/// never falls, so neighbouring ranges of `text` have neighbouring ranges of the input.
struct AlignedText {
  std::string text;
  std::vector<std::size_t> bounds{0};

  /// `range` of `input`, unchanged.
  static AlignedText of(std::string_view input, ByteSpan range);

  std::size_t size() const { return text.size(); }
  bool empty() const { return text.empty(); }
  AlignedText part(ByteSpan range) const;
};

/// Writes a new AlignedText from an old one, left to right.
class AlignedWriter {
 public:
  explicit AlignedWriter(const AlignedText& source) : source_(source) { result_.bounds.clear(); }
  /// Bytes [begin, end) of the source as they are.
  void copy(std::size_t begin, std::size_t end);
  /// `bytes` in place of the source's [begin, end).
  void replace(std::string_view bytes, std::size_t begin);
  /// Ends the text; what follows `end` of the source is dropped.
  AlignedText finish(std::size_t end);
  std::size_t written() const { return result_.text.size(); }

 private:
  const AlignedText& source_;
  AlignedText result_;
};

}  // namespace sqpsych::tokenizers
