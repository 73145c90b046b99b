#include "models/tokenizers/pipeline/decoder.h"

#include <algorithm>

#include "core/error.h"
#include "core/text.h"
#include "models/tokenizers/pipeline/aligned_text.h"
#include "models/tokenizers/pipeline/byte_letters.h"
#include "models/tokenizers/pipeline/json_members.h"
#include "models/tokenizers/pipeline/split_regex.h"

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

/// Every mark is a space, in the first token nothing unless the scheme is never.
void metaspace(std::vector<std::string>& texts, const std::string& mark, bool drops_first) {
  for (std::size_t i = 0; i < texts.size(); ++i)
    texts[i] = replace_all(std::move(texts[i]), mark, i == 0 && drops_first ? "" : " ");
}

DecodeStep regex_replace_decoder(const std::string& pattern, std::string to,
                                 const std::string& where) {
  return [regex = SplitRegex(pattern, where), to = std::move(to)](std::vector<std::string>& texts) {
    std::vector<ByteSpan> matches;
    for (auto& text : texts) {
      if (!is_valid_utf8(text)) continue;
      matches.clear();
      regex.find_all(text, matches);
      for (auto match = matches.rbegin(); match != matches.rend(); ++match)
        text.replace(match->begin, match->end - match->begin, to);
    }
  };
}

/// Spaces that English text does not have, as the WordPiece decoder takes them out.
std::string cleaned(std::string text) {
  constexpr std::pair<std::string_view, std::string_view> kChanges[] = {
      {" .", "."},   {" ?", "?"},     {" !", "!"},    {" ,", ","},
      {" ' ", "'"},  {" n't", "n't"}, {" 'm", "'m"},  {" do not", " don't"},
      {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"}};
  for (const auto& [from, to] : kChanges) text = replace_all(std::move(text), from, to);
  return text;
}

DecodeStep word_end_decoder(std::string suffix) {
  return [suffix = std::move(suffix)](std::vector<std::string>& texts) {
    for (std::size_t i = 0; i < texts.size(); ++i)
      texts[i] = replace_all(std::move(texts[i]), suffix, i + 1 == texts.size() ? "" : " ");
  };
}

DecodeStep word_piece_decoder(std::string prefix, bool cleanup) {
  return [prefix = std::move(prefix), cleanup](std::vector<std::string>& texts) {
    for (std::size_t i = 0; i < texts.size(); ++i) {
      if (i > 0 && texts[i].starts_with(prefix))
        texts[i].erase(0, prefix.size());
      else if (i > 0)
        texts[i].insert(0, " ");
      if (cleanup) texts[i] = cleaned(std::move(texts[i]));
    }
  };
}

DecodeStep ctc_decoder(std::string padding, std::string delimiter, bool cleanup) {
  return [=](std::vector<std::string>& texts) {
    texts.erase(std::unique(texts.begin(), texts.end()), texts.end());
    for (auto& text : texts) {
      text = replace_all(std::move(text), padding, "");
      if (cleanup) text = replace_all(cleaned(std::move(text)), delimiter, " ");
    }
    std::erase(texts, "");
  };
}

DecodeStep replace_decoder(const Json& json, const std::string& where) {
  const Json& pattern = value_or_null(json, "pattern");
  const std::string to = text_or(json, "content", "", where);
  if (value_or_null(pattern, "Regex").is_string())
    return regex_replace_decoder(pattern["Regex"].get<std::string>(), to, where);
  const std::string from = text_or(pattern, "String", "", where);
  if (from.empty())
    throw FormatError(
        format("{}: decoder: Replace: found no pattern, expected String or Regex.", where));
  return replace_decoder(from, to);
}

DecodeStep strip_from_json(const Json& json, const std::string& where) {
  const std::string content = text_or(json, "content", " ", where);
  if (content.empty()) throw FormatError(format("{}: decoder: Strip: found no content.", where));
  return strip_decoder(content, static_cast<std::size_t>(count_or(json, "start", 0, where)),
                       static_cast<std::size_t>(count_or(json, "stop", 0, where)));
}

DecodeStep metaspace_decoder(const Json& json, const std::string& where) {
  const std::string mark = text_or(json, "replacement", std::string(kSpaceMark), where);
  const bool old_flag = flag_or(json, "add_prefix_space", true, where);
  const bool drops_first =
      text_or(json, "prepend_scheme", old_flag ? "always" : "never", where) != "never";
  return
      [mark, drops_first](std::vector<std::string>& texts) { metaspace(texts, mark, drops_first); };
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

std::vector<DecodeStep> decoders_from_json(const Json& json, const std::string& where) {
  if (json.is_null()) return {};
  const std::string type = text_or(json, "type", "", where);
  if (type == "Sequence") {
    std::vector<DecodeStep> steps;
    for (const auto& inner : need_list(json, "decoders", where))
      for (auto& step : decoders_from_json(inner, where)) steps.push_back(step);
    return steps;
  }
  if (type == "ByteLevel") return byte_level_decoder();
  if (type == "ByteFallback") return {bytes_from_names};
  if (type == "Fuse") return {fuse};
  if (type == "Strip") return {strip_from_json(json, where)};
  if (type == "Replace") return {replace_decoder(json, where)};
  if (type == "Metaspace") return {metaspace_decoder(json, where)};
  if (type == "BPEDecoder") return {word_end_decoder(text_or(json, "suffix", "</w>", where))};
  if (type == "WordPiece")
    return {word_piece_decoder(text_or(json, "prefix", "##", where),
                               flag_or(json, "cleanup", true, where))};
  if (type == "CTC")
    return {ctc_decoder(text_or(json, "pad_token", "<pad>", where),
                        text_or(json, "word_delimiter_token", "|", where),
                        flag_or(json, "cleanup", true, where))};
  throw FormatError(format(
      "{}: decoder: found type '{}', expected one of Sequence, Replace, ByteFallback, Fuse, Strip, "
      "ByteLevel, Metaspace, BPEDecoder, WordPiece, CTC. This tokenizer is not supported.",
      where, type));
}

}  // namespace sqpsych::tokenizers
