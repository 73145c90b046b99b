#define PCRE2_CODE_UNIT_WIDTH 8
#include "models/tokenizers/pipeline/split_regex.h"

#include <pcre2.h>

#include <algorithm>

#include "core/error.h"
#include "core/text.h"

namespace sqpsych::tokenizers {
namespace {

constexpr std::string_view kMongolianSeparator = "\xE1\xA0\x8E";  // U+180E
constexpr std::string_view kWordJoiner = "\xE2\x81\xA0";  // U+2060, same category and length

struct MatchData {
  explicit MatchData(const pcre2_code* code)
      : data(pcre2_match_data_create_from_pattern(code, nullptr)) {}
  ~MatchData() { pcre2_match_data_free(data); }
  MatchData(const MatchData&) = delete;
  MatchData& operator=(const MatchData&) = delete;
  pcre2_match_data* data;
};

std::string pcre2_message(int error) {
  PCRE2_UCHAR buffer[256];
  pcre2_get_error_message(error, buffer, sizeof buffer);
  return reinterpret_cast<const char*>(buffer);
}

}  // namespace

SplitRegex::SplitRegex(const std::string& pattern, const std::string& where) : where_(where) {
  int error = 0;
  PCRE2_SIZE offset = 0;
  pcre2_code* code =
      pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(),
                    PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C, &error, &offset, nullptr);
  if (!code)
    throw FormatError(format("{}: split pattern '{}': {} at offset {}.", where, pattern,
                             pcre2_message(error), offset));
  pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
  code_ =
      std::shared_ptr<void>(code, [](void* p) { pcre2_code_free(static_cast<pcre2_code*>(p)); });
  names_mongolian_separator_ = pattern.find("180") != std::string::npos ||
                               pattern.find(kMongolianSeparator) != std::string::npos;
}

std::vector<ByteSpan> SplitRegex::find_all(std::string_view text) const {
  const auto* code = static_cast<const pcre2_code*>(code_.get());
  std::string patched;
  if (!names_mongolian_separator_ && text.find(kMongolianSeparator) != std::string_view::npos) {
    patched = replace_all(std::string(text), kMongolianSeparator, kWordJoiner);
    text = patched;
  }
  MatchData match(code);
  std::vector<ByteSpan> found;
  std::uint32_t options = PCRE2_NO_UTF_CHECK;
  for (std::size_t start = 0; start < text.size();) {
    int status = pcre2_match(code, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), start,
                             options, match.data, nullptr);
    if (status == PCRE2_ERROR_JIT_STACKLIMIT) {
      options |= PCRE2_NO_JIT;
      continue;
    }
    if (status == PCRE2_ERROR_NOMATCH) break;
    if (status < 0)
      throw FormatError(format("{}: split pattern: {} at byte {} of the text.", where_,
                               pcre2_message(status), start));
    const PCRE2_SIZE* range = pcre2_get_ovector_pointer(match.data);
    if (range[1] > range[0]) found.push_back({range[0], range[1]});
    start = range[1] > range[0] ? range[1]
                                : range[1] + utf8_length(static_cast<unsigned char>(
                                                 text[std::min(range[1], text.size() - 1)]));
  }
  return found;
}

// Patterns as the models' tokenizer.json files spell them.
#define SQPSYCH_CONTRACTIONS "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
#define SQPSYCH_UPPER R"([\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}])"
#define SQPSYCH_LOWER R"([\p{Ll}\p{Lm}\p{Lo}\p{M}])"
#define SQPSYCH_LEAD R"([^\r\n\p{L}\p{N}]?)"
#define SQPSYCH_SPACES R"(\s*[\r\n]+|\s+(?!\S)|\s+)"

const std::vector<NamedSplit>& named_splits() {
  static const std::vector<NamedSplit> splits = {
      {"gpt2", "gpt-2",
       R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)", false},
      {"llama3", "llama-bpe",
       SQPSYCH_CONTRACTIONS "|" SQPSYCH_LEAD
                            R"(\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|)" SQPSYCH_SPACES,
       true},
      {"qwen2", "qwen2",
       SQPSYCH_CONTRACTIONS "|" SQPSYCH_LEAD
                            R"(\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|)" SQPSYCH_SPACES,
       false},
      {"tekken", "tekken",
       SQPSYCH_LEAD SQPSYCH_UPPER "*" SQPSYCH_LOWER "+|" SQPSYCH_LEAD SQPSYCH_UPPER
                                  "+" SQPSYCH_LOWER
                                  R"(*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|)" SQPSYCH_SPACES,
       true},
      {"gpt4o", "gpt-4o",
       SQPSYCH_LEAD SQPSYCH_UPPER
       "*" SQPSYCH_LOWER "+" SQPSYCH_CONTRACTIONS "?|" SQPSYCH_LEAD SQPSYCH_UPPER "+" SQPSYCH_LOWER
       "*" SQPSYCH_CONTRACTIONS R"(?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|)" SQPSYCH_SPACES,
       false},
  };
  return splits;
}

#undef SQPSYCH_CONTRACTIONS
#undef SQPSYCH_UPPER
#undef SQPSYCH_LOWER
#undef SQPSYCH_LEAD
#undef SQPSYCH_SPACES

namespace {
template <class Test>
const NamedSplit* find_split(Test test) {
  const auto& all = named_splits();
  const auto found = std::find_if(all.begin(), all.end(), test);
  return found == all.end() ? nullptr : &*found;
}

std::string written_out(std::string_view pattern) {
  return replace_all(std::string(pattern), "(?i:'s|'t|'re|'ve|'m|'ll|'d)",
                     "(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])");
}
}  // namespace

const NamedSplit* find_split_by_name(std::string_view name) {
  return find_split([&](const NamedSplit& split) { return split.name == name; });
}

const NamedSplit* find_split_by_gguf_pre(std::string_view pre) {
  return find_split([&](const NamedSplit& split) { return split.gguf_pre == pre; });
}

const NamedSplit* find_split_by_pattern(std::string_view pattern) {
  return find_split([&](const NamedSplit& split) {
    return split.pattern == pattern || written_out(split.pattern) == pattern;
  });
}

std::vector<std::string> split_names() {
  std::vector<std::string> names;
  for (const auto& split : named_splits()) names.emplace_back(split.name);
  return names;
}

}  // namespace sqpsych::tokenizers
