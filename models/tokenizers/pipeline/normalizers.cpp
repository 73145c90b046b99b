#include <optional>

#include "core/error.h"
#include "core/text.h"
#include "models/tokenizers/pipeline/byte_letters.h"
#include "models/tokenizers/pipeline/json_members.h"
#include "models/tokenizers/pipeline/split_regex.h"
#include "models/tokenizers/pipeline/text_steps.h"
#include "models/tokenizers/pipeline/unicode_normalizers.h"

namespace sqpsych::tokenizers {
namespace {

Normalizer regex_replace_step(const std::string& pattern, std::string to,
                              const std::string& where) {
  return [regex = SplitRegex(pattern, where), to = std::move(to)](AlignedText source) {
    std::vector<ByteSpan> matches;
    regex.find_all(source.text, matches);
    if (matches.empty()) return source;
    AlignedWriter writer(source);
    std::size_t done = 0;
    for (const ByteSpan match : matches) {
      writer.copy(done, match.begin);
      writer.replace(to, match.begin);
      done = match.end;
    }
    writer.copy(done, source.size());
    return writer.finish(source.size());
  };
}

Normalizer replace_from_json(const Json& json, const std::string& where, StepSummary& summary) {
  const std::string content = text_or(json, "content", "", where);
  const Json& pattern = value_or_null(json, "pattern");
  if (value_or_null(pattern, "Regex").is_string()) {
    summary.foreign = "Replace";
    return regex_replace_step(pattern["Regex"].get<std::string>(), content, where);
  }
  const std::string from = text_or(pattern, "String", "", where);
  if (from.empty())
    throw FormatError(format("{}: Replace: found no pattern, expected String or Regex.", where));
  if (from == " " && content == kSpaceMark && !summary.replaces_space)
    summary.replaces_space = true;
  else
    summary.foreign = "Replace";
  return replace_step(from, content);
}

Normalizer prepend_from_json(const Json& json, const std::string& where, StepSummary& summary) {
  const std::string prefix = text_or(json, "prepend", "", where);
  if (prefix == kSpaceMark && !summary.replaces_space)
    summary.prepends_space_mark = true;
  else
    summary.foreign = "Prepend '" + prefix + "'";
  return prepend_step(prefix);
}

std::vector<Normalizer> bert_from_json(const Json& json, const std::string& where) {
  BertCleaning options;
  options.clean_text = flag_or(json, "clean_text", true, where);
  options.handle_chinese_chars = flag_or(json, "handle_chinese_chars", true, where);
  options.lowercase = flag_or(json, "lowercase", true, where);
  options.strip_accents = flag_or(json, "strip_accents", options.lowercase, where);
  return bert_steps(options);
}

Normalizer byte_level_step() {
  return [](AlignedText source) {
    AlignedWriter writer(source);
    for (std::size_t i = 0; i < source.size(); ++i)
      writer.replace(byte_letters()[static_cast<unsigned char>(source.text[i])], i);
    return writer.finish(source.size());
  };
}

/// The four Unicode forms; a GGUF runtime leaves NFC out and is right on text that is NFC already.
std::optional<UnicodeForm> form_of(const std::string& type) {
  if (type == "NFC") return UnicodeForm::kNfc;
  if (type == "NFD") return UnicodeForm::kNfd;
  if (type == "NFKC") return UnicodeForm::kNfkc;
  if (type == "NFKD") return UnicodeForm::kNfkd;
  return std::nullopt;
}

}  // namespace

Normalizer prepend_step(std::string prefix) {
  return [prefix = std::move(prefix)](AlignedText source) {
    if (source.empty()) return source;
    AlignedWriter writer(source);
    writer.replace(prefix, 0);
    writer.copy(0, source.size());
    return writer.finish(source.size());
  };
}

Normalizer replace_step(std::string from, std::string to) {
  return [from = std::move(from), to = std::move(to)](AlignedText source) {
    if (source.text.find(from) == std::string::npos) return source;
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

std::vector<Normalizer> normalizers_from_json(const Json& json, const std::string& where,
                                              StepSummary& summary) {
  if (json.is_null()) return {};
  const std::string type = text_or(json, "type", "", where);
  if (type == "Sequence") {
    std::vector<Normalizer> steps;
    for (const auto& inner : need_list(json, "normalizers", where))
      for (auto& step : normalizers_from_json(inner, where, summary)) steps.push_back(step);
    return steps;
  }
  summary.names.push_back(type);
  if (type == "Prepend") return {prepend_from_json(json, where, summary)};
  if (type == "Replace") return {replace_from_json(json, where, summary)};
  if (const auto form = form_of(type)) {
    if (*form != UnicodeForm::kNfc) summary.foreign = type;
    return {unicode_form_step(*form)};
  }
  summary.foreign = type;
  if (type == "Lowercase") return {lowercase_step()};
  if (type == "StripAccents") return {strip_accents_step()};
  if (type == "Strip")
    return {strip_step(flag_or(json, "strip_left", true, where),
                       flag_or(json, "strip_right", true, where))};
  if (type == "Nmt") return {nmt_step()};
  if (type == "ByteLevel") return {byte_level_step()};
  if (type == "BertNormalizer") return bert_from_json(json, where);
  if (type == "Precompiled")
    return {charsmap_step(text_or(json, "precompiled_charsmap", "", where), where)};
  throw FormatError(
      format("{}: normalizer: found type '{}', expected one of Sequence, Prepend, Replace, NFC, "
             "NFD, NFKC, NFKD, Lowercase, Strip, StripAccents, Nmt, ByteLevel, BertNormalizer, "
             "Precompiled. This tokenizer is not supported.",
             where, type));
}

}  // namespace sqpsych::tokenizers
