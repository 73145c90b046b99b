#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "models/tokenizers/tokenizer.h"

namespace sqpsych::tokenizers {

/// A split pattern of byte-level BPE vocabularies (PCRE2 with UTF, UCP and JIT). Matches what the
/// Hugging Face splitter (Oniguruma) matches; PCRE2 counts U+180E as a space, Unicode does not.
/// Immutable and safe to use from many threads.
class SplitRegex {
 public:
  /// FormatError naming `where` when the pattern does not compile.
  SplitRegex(const std::string& pattern, const std::string& where);
  /// All matches in `text` (valid UTF-8), left to right, none overlapping; empty ones are left out.
  std::vector<ByteSpan> find_all(std::string_view text) const;

 private:
  std::shared_ptr<void> code_;
  std::string where_;
  bool names_mongolian_separator_ = false;
};

/// One known split: the name users give, the name GGUF files give, the pattern of tokenizer.json.
struct NamedSplit {
  std::string_view name;
  std::string_view gguf_pre;
  std::string_view pattern;
  bool ignore_merges;  ///< a piece that is a token is taken whole, without merging
};

/// gpt2, llama3, qwen2, tekken, gpt4o.
const std::vector<NamedSplit>& named_splits();
const NamedSplit* find_split_by_name(std::string_view name);
const NamedSplit* find_split_by_gguf_pre(std::string_view pre);
/// The pattern as tokenizer.json spells it; case groups may be written out.
const NamedSplit* find_split_by_pattern(std::string_view pattern);
std::vector<std::string> split_names();

}  // namespace sqpsych::tokenizers
