#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "models/tokenizers/tokenizer.h"

namespace sqpsych::tokenizers {

/// A pattern of tokenizer.json (PCRE2 with UTF, UCP and JIT) that matches what the Hugging Face
/// splitter matches: Oniguruma's Ruby syntax, translated where PCRE2 means something else.
/// Immutable and safe to use from many threads.
class SplitRegex {
 public:
  /// FormatError naming `where` when the pattern does not compile or cannot be translated.
  SplitRegex(const std::string& pattern, const std::string& where);
  /// Appends all matches in `text` (valid UTF-8), left to right, none overlapping; empty ones too,
  /// except right behind the match before.
  void find_all(std::string_view text, std::vector<ByteSpan>& matches) const;

  /// Members of a class in brackets, `\x{A}-\x{B}...`: code points that our table (code_points.h)
  /// has in `classes` and this PCRE2, being older, does not have in \p{property}.
  static std::string newer_members(const std::string& property, unsigned classes);

 private:
  SplitRegex() = default;
  std::shared_ptr<void> code_;
  std::string where_;
};

/// The pattern in PCRE2's words: \s is White_Space, \w has marks, \h is a hexadecimal digit,
/// \p{L}, M, N, P, S are those of Unicode 16, \p{Name} of a script is that script alone, [a&&[^b]]
/// is an intersection.
std::string pcre2_pattern(std::string_view pattern, const std::string& where);

}  // namespace sqpsych::tokenizers
