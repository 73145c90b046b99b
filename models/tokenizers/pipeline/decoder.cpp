#include "models/tokenizers/pipeline/decoder.h"

#include "core/error.h"
#include "core/text.h"
#include "models/tokenizers/pipeline/aligned_text.h"
#include "models/tokenizers/pipeline/byte_letters.h"

namespace sqpsych::tokenizers {
namespace {

DecodeStep replace_decoder(std::string from, std::string to) {
  return [from = std::move(from), to = std::move(to)](std::vector<std::string>& texts) {
    for (auto& text : texts) text = replace_all(std::move(text), from, to);
  };
}

void bytes_from_names(std::vector<std::string>& texts) {
  for (auto& text : texts)
    if (const auto byte = byte_of_token(text)) text = std::string(1, static_cast<char>(*byte));
}

void fuse(std::vector<std::string>& texts) {
  if (texts.size() < 2) return;
  std::string joined;
  for (const auto& text : texts) joined += text;
  texts = {std::move(joined)};
}

DecodeStep strip_decoder(std::string content, std::size_t start, std::size_t stop) {
  return [content = std::move(content), start, stop](std::vector<std::string>& texts) {
    for (auto& text : texts) {
      for (std::size_t i = 0; i < start && text.starts_with(content); ++i)
        text.erase(0, content.size());
      for (std::size_t i = 0; i < stop && text.ends_with(content); ++i)
        text.erase(text.size() - content.size());
    }
  };
}

/// A token with a character outside the alphabet (an added token) stands for itself.
std::string bytes_from_letters(const std::string& token) {
  std::string bytes;
  for (std::size_t i = 0; i < token.size();) {
    const auto byte = byte_of_letter(next_code_point(token, i));
    if (!byte) return token;
    bytes += static_cast<char>(*byte);
  }
  return bytes;
}

void metaspace(std::vector<std::string>& texts, const std::string& mark, bool strip_first) {
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (i == 0 && strip_first && texts[i].starts_with(mark)) texts[i].erase(0, mark.size());
    texts[i] = replace_all(std::move(texts[i]), mark, " ");
  }
}

std::size_t count_or_zero(const LargeJson& json, const char* key) {
  const LargeJson& value = value_or_null(json, key);
  return value.is_number_unsigned() ? value.get<std::size_t>() : 0;
}

}  // namespace

std::vector<DecodeStep> sentencepiece_decoder(bool strip_first_space) {
  std::vector<DecodeStep> steps = {replace_decoder(std::string(kSpaceMark), " "), bytes_from_names,
                                   fuse};
  if (strip_first_space) steps.push_back(strip_decoder(" ", 1, 0));
  return steps;
}

std::vector<DecodeStep> byte_level_decoder() {
  return {[](std::vector<std::string>& texts) {
    for (auto& text : texts) text = bytes_from_letters(text);
  }};
}

std::vector<DecodeStep> decoders_from_json(const LargeJson& json, const std::string& where) {
  if (json.is_null()) return {};
  const std::string type = text_or(json, "type", "", where);
  if (type == "Sequence") {
    std::vector<DecodeStep> steps;
    for (const auto& inner : value_or_null(json, "decoders"))
      for (auto& step : decoders_from_json(inner, where)) steps.push_back(step);
    return steps;
  }
  if (type == "ByteLevel") return byte_level_decoder();
  if (type == "ByteFallback") return {bytes_from_names};
  if (type == "Fuse") return {fuse};
  if (type == "Strip")
    return {strip_decoder(text_or(json, "content", " ", where), count_or_zero(json, "start"),
                          count_or_zero(json, "stop"))};
  if (type == "Replace") {
    const std::string from = text_or(value_or_null(json, "pattern"), "String", "", where);
    if (from.empty())
      throw FormatError(
          format("{}: decoder: Replace: found no text pattern, expected String.", where));
    return {replace_decoder(from, text_or(json, "content", "", where))};
  }
  if (type == "Metaspace") {
    const std::string mark = text_or(json, "replacement", std::string(kSpaceMark), where);
    const bool strip_first = text_or(json, "prepend_scheme", "always", where) != "never";
    return {[mark, strip_first](std::vector<std::string>& texts) {
      metaspace(texts, mark, strip_first);
    }};
  }
  throw FormatError(format(
      "{}: decoder: found type '{}', expected one of Sequence, Replace, ByteFallback, Fuse, Strip, "
      "ByteLevel, Metaspace. This tokenizer is not supported.",
      where, type));
}

}  // namespace sqpsych::tokenizers
