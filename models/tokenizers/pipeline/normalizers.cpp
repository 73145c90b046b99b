#include <utf8proc.h>

#include <cstdlib>
#include <memory>

#include "core/error.h"
#include "core/text.h"
#include "models/tokenizers/pipeline/split_regex.h"
#include "models/tokenizers/pipeline/text_steps.h"

namespace sqpsych::tokenizers {
namespace {

/// True for code points that can change when the one before them is composed with them: chunks of
/// a text that begin elsewhere are normalised independently.
bool may_join_previous(char32_t code) {
  const bool hangul_vowel_or_tail = code >= 0x1160 && code <= 0x11FF;
  const bool halfwidth_form = code >= 0xFF9E && code <= 0xFFDC;
  const auto category = utf8proc_category(static_cast<utf8proc_int32_t>(code));
  return hangul_vowel_or_tail || halfwidth_form || category == UTF8PROC_CATEGORY_MN ||
         category == UTF8PROC_CATEGORY_MC || category == UTF8PROC_CATEGORY_ME;
}

std::string unicode_form(std::string_view text, utf8proc_option_t form) {
  utf8proc_uint8_t* mapped = nullptr;
  const auto options = static_cast<utf8proc_option_t>(UTF8PROC_STABLE | form);
  const utf8proc_ssize_t length =
      utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                   static_cast<utf8proc_ssize_t>(text.size()), &mapped, options);
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owner(mapped, &std::free);
  SQPSYCH_CHECK(length >= 0);
  return {reinterpret_cast<const char*>(mapped), static_cast<std::size_t>(length)};
}

bool is_ascii(std::string_view text) {
  for (const char c : text)
    if (static_cast<unsigned char>(c) >= 0x80) return false;
  return true;
}

Normalizer unicode_step(utf8proc_option_t form) {
  return [form](const AlignedText& source) {
    if (is_ascii(source.text)) return source;
    AlignedWriter writer(source);
    const std::string_view text = source.text;
    for (std::size_t begin = 0; begin < text.size();) {
      std::size_t end = begin;
      next_code_point(text, end);
      for (std::size_t next = end; next < text.size(); end = next)
        if (!may_join_previous(next_code_point(text, next))) break;
      const std::string_view chunk = text.substr(begin, end - begin);
      const std::string normal = unicode_form(chunk, form);
      if (normal == chunk)
        writer.copy(begin, end);
      else
        writer.replace(normal, begin);
      begin = end;
    }
    return writer.finish(text.size());
  };
}

Normalizer regex_replace_step(const std::string& pattern, std::string to,
                              const std::string& where) {
  return [regex = SplitRegex(pattern, where), to = std::move(to)](const AlignedText& source) {
    AlignedWriter writer(source);
    std::size_t done = 0;
    for (const ByteSpan match : regex.find_all(source.text)) {
      writer.copy(done, match.begin);
      writer.replace(to, match.begin);
      done = match.end;
    }
    writer.copy(done, source.size());
    return writer.finish(source.size());
  };
}

Normalizer replace_from_json(const LargeJson& json, const std::string& where,
                             StepSummary& summary) {
  const std::string content = text_or(json, "content", "", where);
  const LargeJson& pattern = value_or_null(json, "pattern");
  if (value_or_null(pattern, "Regex").is_string())
    return regex_replace_step(pattern["Regex"].get<std::string>(), content, where);
  const std::string from = text_or(pattern, "String", "", where);
  if (from.empty())
    throw FormatError(format("{}: Replace: found no pattern, expected String or Regex.", where));
  if (from == " " && content == kSpaceMark) summary.replaces_space = true;
  return replace_step(from, content);
}

}  // namespace

Normalizer prepend_step(std::string prefix) {
  return [prefix = std::move(prefix)](const AlignedText& source) {
    if (source.empty()) return source;
    AlignedWriter writer(source);
    writer.replace(prefix, 0);
    writer.copy(0, source.size());
    return writer.finish(source.size());
  };
}

Normalizer replace_step(std::string from, std::string to) {
  return [from = std::move(from), to = std::move(to)](const AlignedText& source) {
    AlignedWriter writer(source);
    std::size_t done = 0;
    for (std::size_t at = source.text.find(from); at != std::string::npos;
         at = source.text.find(from, done)) {
      writer.copy(done, at);
      writer.replace(to, at);
      done = at + from.size();
    }
    writer.copy(done, source.size());
    return writer.finish(source.size());
  };
}

std::vector<Normalizer> normalizers_from_json(const LargeJson& json, const std::string& where,
                                              StepSummary& summary) {
  if (json.is_null()) return {};
  const std::string type = text_or(json, "type", "", where);
  std::vector<Normalizer> steps;
  if (type == "Sequence") {
    for (const auto& inner : value_or_null(json, "normalizers"))
      for (auto& step : normalizers_from_json(inner, where, summary)) steps.push_back(step);
    return steps;
  }
  const bool after_replacement = summary.replaces_space;
  summary.names.push_back(type);
  if (type == "Prepend") {
    const std::string prefix = text_or(json, "prepend", "", where);
    if (prefix == kSpaceMark && !after_replacement)
      summary.prepends_space_mark = true;
    else
      summary.foreign = "Prepend '" + prefix + "'";
    return {prepend_step(prefix)};
  }
  if (type == "Replace") {
    auto step = replace_from_json(json, where, summary);
    if (after_replacement || !summary.replaces_space) summary.foreign = "Replace";
    return {step};
  }
  constexpr auto kCompose = UTF8PROC_COMPOSE;
  constexpr auto kDecompose = UTF8PROC_DECOMPOSE;
  if (type == "NFC") return {unicode_step(kCompose)};
  if (type == "NFD") return {unicode_step(kDecompose)};
  if (type == "NFKC")
    return {unicode_step(static_cast<utf8proc_option_t>(kCompose | UTF8PROC_COMPAT))};
  if (type == "NFKD")
    return {unicode_step(static_cast<utf8proc_option_t>(kDecompose | UTF8PROC_COMPAT))};
  throw FormatError(
      format("{}: normalizer: found type '{}', expected one of Sequence, Prepend, Replace, NFC, "
             "NFD, NFKC, "
             "NFKD. This tokenizer is not supported.",
             where, type));
}

}  // namespace sqpsych::tokenizers
