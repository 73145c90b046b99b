#define PCRE2_CODE_UNIT_WIDTH 8
#include "models/tokenizers/pipeline/split_regex.h"

#include <pcre2.h>

#include "core/error.h"
#include "core/text.h"
#include "models/tokenizers/pipeline/code_points.h"

namespace sqpsych::tokenizers {
namespace {

std::string pcre2_message(int error) {
  PCRE2_UCHAR buffer[256];
  pcre2_get_error_message(error, buffer, sizeof buffer);
  return reinterpret_cast<const char*>(buffer);
}

/// Place for the bounds of one match; each thread has its own.
pcre2_match_data* match_data() {
  struct Owner {
    pcre2_match_data* data = pcre2_match_data_create(1, nullptr);
    ~Owner() { pcre2_match_data_free(data); }
  };
  thread_local const Owner owner;
  return owner.data;
}

std::shared_ptr<void> compile(const std::string& translated, const std::string& pattern,
                              const std::string& where) {
  int error = 0;
  PCRE2_SIZE offset = 0;
  pcre2_code* code = pcre2_compile(
      reinterpret_cast<PCRE2_SPTR>(translated.data()), translated.size(),
      PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C, &error, &offset, nullptr);
  if (!code)
    throw FormatError(format("{}: split pattern '{}': {} at offset {}.", where, pattern,
                             pcre2_message(error), offset));
  pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
  return std::shared_ptr<void>(code, [](void* p) { pcre2_code_free(static_cast<pcre2_code*>(p)); });
}

}  // namespace

SplitRegex::SplitRegex(const std::string& pattern, const std::string& where)
    : code_(compile(pcre2_pattern(pattern, where), pattern, where)), where_(where) {}

void SplitRegex::find_all(std::string_view text, std::vector<ByteSpan>& matches) const {
  const auto* code = static_cast<const pcre2_code*>(code_.get());
  pcre2_match_data* const data = match_data();
  std::uint32_t options = PCRE2_NO_UTF_CHECK;
  bool after_match = false;
  for (std::size_t start = 0; start <= text.size();) {
    const int status = pcre2_match(code, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(),
                                   start, options, data, nullptr);
    if (status == PCRE2_ERROR_JIT_STACKLIMIT) {
      options |= PCRE2_NO_JIT;
      continue;
    }
    if (status == PCRE2_ERROR_NOMATCH) break;
    if (status < 0)
      throw FormatError(format("{}: split pattern: {} at byte {} of the text.", where_,
                               pcre2_message(status), start));
    const PCRE2_SIZE* range = pcre2_get_ovector_pointer(data);
    const bool is_empty = range[1] <= range[0];
    if (is_empty && after_match && range[1] == start) {
      start += start < text.size() ? utf8_length(static_cast<unsigned char>(text[start])) : 1;
      after_match = false;
      continue;
    }
    matches.push_back({range[0], range[1]});
    start = range[1];
    after_match = true;
  }
}

std::string SplitRegex::newer_members(const std::string& property, unsigned classes) {
  std::string all;
  for (char32_t code = 1; code <= 0x10FFFF; ++code)
    if (is_class(code, classes)) append_utf8(all, code);
  SplitRegex others;
  others.code_ = compile("\\P{" + property + "}", property, property);
  std::vector<ByteSpan> unknown;
  others.find_all(all, unknown);
  std::string members;
  for (std::size_t i = 0; i < unknown.size();) {
    auto position = unknown[i].begin;
    const auto first = next_code_point(all, position);
    auto last = first;
    while (++i < unknown.size()) {
      position = unknown[i].begin;
      if (next_code_point(all, position) != last + 1) break;
      ++last;
    }
    members += format("\\x{{{:X}}}-\\x{{{:X}}}", static_cast<std::uint32_t>(first),
                      static_cast<std::uint32_t>(last));
  }
  return members;
}

}  // namespace sqpsych::tokenizers
