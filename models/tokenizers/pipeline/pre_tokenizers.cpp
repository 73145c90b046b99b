#include <algorithm>

#include "core/error.h"
#include "core/text.h"
#include "models/tokenizers/pipeline/byte_letters.h"
#include "models/tokenizers/pipeline/code_points.h"
#include "models/tokenizers/pipeline/json_members.h"
#include "models/tokenizers/pipeline/split_patterns.h"
#include "models/tokenizers/pipeline/split_steps.h"
#include "models/tokenizers/pipeline/text_steps.h"

namespace sqpsych::tokenizers {
namespace {

bool is_white_space(char32_t code) { return is_class(code, kSpace); }

bool is_punctuation(char32_t code) {
  return is_class(code, kPunctuation) || (code < 0x80 && is_class(code, kSymbol));
}

std::vector<PreTokenizer> split_from_json(const Json& json, const std::string& where,
                                          StepSummary& summary) {
  const Behavior behavior = behavior_of(text_or(json, "behavior", "Isolated", where), where);
  const bool invert = flag_or(json, "invert", false, where);
  const Json& pattern = value_or_null(json, "pattern");
  if (value_or_null(pattern, "Regex").is_string()) {
    const auto regex = pattern["Regex"].get<std::string>();
    const bool cuts_only =
        behavior == Behavior::kIsolated || (behavior == Behavior::kRemoved && invert);
    if (!cuts_only) summary.foreign = "Split";
    summary.split_patterns.push_back(regex);
    return {split_step(find_pattern(regex, where), behavior, invert)};
  }
  const std::string text = text_or(pattern, "String", "", where);
  if (text.empty())
    throw FormatError(
        format("{}: pre_tokenizer: Split: found no pattern, expected String or Regex.", where));
  // Where a normalizer replaced every space nothing is cut, and GGUF lacks nothing without it.
  if (text != " " || !summary.replaces_space || invert) summary.foreign = "Split";
  return {split_step(find_text(text), behavior, invert)};
}

/// Puts `prefix` before every piece that `wants` it.
template <class Wants>
Pieces prefix_pieces(const Pieces& pieces, std::string_view prefix, Wants wants) {
  AlignedWriter writer(pieces.whole);
  Pieces result;
  result.at_text_start = pieces.at_text_start;
  for (const ByteSpan range : pieces.ranges) {
    const std::size_t begin = writer.written();
    if (wants(range)) writer.replace(prefix, range.begin);
    writer.copy(range.begin, range.end);
    result.ranges.push_back({begin, writer.written()});
  }
  result.whole = writer.finish(pieces.whole.size());
  return result;
}

PreTokenizer prefix_space_step() {
  return [](Pieces pieces) {
    return prefix_pieces(pieces, " ",
                         [&](ByteSpan range) { return pieces.whole.text[range.begin] != ' '; });
  };
}

std::vector<PreTokenizer> byte_level_from_json(const Json& json, const std::string& where,
                                               StepSummary& summary) {
  std::vector<PreTokenizer> steps;
  if (flag_or(json, "add_prefix_space", true, where)) {
    summary.byte_level_prefix_space = true;
    steps.push_back(prefix_space_step());
  }
  if (flag_or(json, "use_regex", true, where)) {
    summary.split_patterns.emplace_back(patterns::kGpt2);
    for (auto& step : isolated_split_steps({patterns::kGpt2}, where)) steps.push_back(step);
  }
  steps.push_back(byte_letters_step());
  summary.ends_in_byte_letters = !summary.byte_level;
  summary.byte_level = true;
  return steps;
}

enum class PrependScheme { kAlways, kFirst, kNever };

/// Writes `mark` for spaces, and before each piece that does not begin with it as `scheme` says.
PreTokenizer mark_spaces_step(std::string mark, PrependScheme scheme) {
  return [mark = std::move(mark), scheme](Pieces pieces) {
    AlignedWriter writer(pieces.whole);
    Pieces result;
    result.at_text_start = pieces.at_text_start;
    const std::string_view text = pieces.whole.text;
    for (const ByteSpan range : pieces.ranges) {
      const bool is_marked = text[range.begin] == ' ' || text.substr(range.begin).starts_with(mark);
      const bool is_first = pieces.at_text_start && pieces.whole.bound(range.begin) == 0;
      const std::size_t begin = writer.written();
      if (!is_marked &&
          (scheme == PrependScheme::kAlways || (scheme == PrependScheme::kFirst && is_first)))
        writer.replace(mark, range.begin);
      for (std::size_t at = range.begin; at < range.end;) {
        const std::size_t space = std::min(text.find(' ', at), range.end);
        writer.copy(at, space);
        if (space < range.end) writer.replace(mark, space);
        at = std::min(space + 1, range.end);
      }
      result.ranges.push_back({begin, writer.written()});
    }
    result.whole = writer.finish(pieces.whole.size());
    return result;
  };
}

PrependScheme scheme_from_json(const Json& json, const std::string& where) {
  const bool old_flag = flag_or(json, "add_prefix_space", true, where);
  const std::string name = text_or(json, "prepend_scheme", old_flag ? "always" : "never", where);
  if (name == "always") return PrependScheme::kAlways;
  if (name == "first") return PrependScheme::kFirst;
  if (name == "never") return PrependScheme::kNever;
  throw FormatError(format(
      "{}: pre_tokenizer: Metaspace: found prepend_scheme '{}', expected always, first or never.",
      where, name));
}

std::vector<PreTokenizer> metaspace_from_json(const Json& json, const std::string& where,
                                              StepSummary& summary) {
  const std::string mark = text_or(json, "replacement", std::string(kSpaceMark), where);
  if (mark.empty())
    throw FormatError(format("{}: pre_tokenizer: Metaspace: found no replacement.", where));
  const PrependScheme scheme = scheme_from_json(json, where);
  const bool split = flag_or(json, "split", true, where);
  if (mark == kSpaceMark && !split && scheme != PrependScheme::kFirst) {
    summary.replaces_space = true;
    summary.prepends_space_mark = scheme == PrependScheme::kAlways;
  } else {
    summary.foreign = "Metaspace";
  }
  std::vector<PreTokenizer> steps = {mark_spaces_step(mark, scheme)};
  if (split) steps.push_back(split_step(find_text(mark), Behavior::kMergedWithNext, false));
  return steps;
}

PreTokenizer digits_from_json(const Json& json, const std::string& where, StepSummary& summary) {
  const bool individual = flag_or(json, "individual_digits", false, where);
  if (individual)
    summary.split_patterns.emplace_back(patterns::kDigit);
  else
    summary.split_patterns.emplace_back(patterns::kDigits);
  return split_step(find_characters([](char32_t code) { return is_class(code, kNumber); }),
                    individual ? Behavior::kIsolated : Behavior::kContiguous, false);
}

PreTokenizer delimiter_from_json(const Json& json, const std::string& where) {
  const std::string delimiter = text_or(json, "delimiter", "", where);
  if (delimiter.empty())
    throw FormatError(format("{}: pre_tokenizer: CharDelimiterSplit: found no delimiter.", where));
  return split_step(find_text(delimiter), Behavior::kRemoved, false);
}

PreTokenizer chunks_from_json(const Json& json, const std::string& where) {
  const std::int64_t length = count_or(json, "length", 5, where);
  if (length < 1)
    throw FormatError(
        format("{}: pre_tokenizer: FixedLength: found length 0, expected at least 1.", where));
  return split_step(find_chunks(static_cast<std::size_t>(length)), Behavior::kIsolated, false);
}

/// The steps of the pre-tokenizers that no GGUF file has a word for.
std::vector<PreTokenizer> other_pre_tokenizer(const std::string& type, const Json& json,
                                              const std::string& where) {
  if (type == "Whitespace") return {split_step(find_words_and_signs(), Behavior::kRemoved, true)};
  if (type == "WhitespaceSplit")
    return {split_step(find_characters(is_white_space), Behavior::kRemoved, false)};
  if (type == "Punctuation")
    return {split_step(find_characters(is_punctuation),
                       behavior_of(text_or(json, "behavior", "Isolated", where), where), false)};
  if (type == "BertPreTokenizer")
    return {split_step(find_characters(is_white_space), Behavior::kRemoved, false),
            split_step(find_characters(is_punctuation), Behavior::kIsolated, false)};
  if (type == "CharDelimiterSplit") return {delimiter_from_json(json, where)};
  if (type == "FixedLength") return {chunks_from_json(json, where)};
  if (type == "UnicodeScripts") return {split_step(find_scripts(where), Behavior::kRemoved, true)};
  throw FormatError(format(
      "{}: pre_tokenizer: found type '{}', expected one of Sequence, Split, ByteLevel, Metaspace, "
      "Digits, Punctuation, Whitespace, WhitespaceSplit, BertPreTokenizer, CharDelimiterSplit, "
      "FixedLength, UnicodeScripts. This tokenizer is not supported.",
      where, type));
}

}  // namespace

std::vector<PreTokenizer> isolated_split_steps(const std::vector<std::string_view>& patterns,
                                               const std::string& where) {
  std::vector<PreTokenizer> steps;
  for (const auto pattern : patterns)
    steps.push_back(
        split_step(find_pattern(std::string(pattern), where), Behavior::kIsolated, false));
  return steps;
}

PreTokenizer byte_letters_step() {
  return [](Pieces pieces) {
    AlignedText& whole = pieces.whole;
    AlignedText letters;
    letters.text.reserve(whole.size() * 5 / 4);
    std::vector<std::size_t> new_position(whole.size() + 1);
    for (std::size_t i = 0; i < whole.size(); ++i) {
      const std::string& letter = byte_letters()[static_cast<unsigned char>(whole.text[i])];
      new_position[i] = letters.text.size();
      letters.text += letter;
      letters.bounds.insert(letters.bounds.end(), letter.size(), whole.bound(i));
    }
    new_position[whole.size()] = letters.text.size();
    letters.bounds.push_back(whole.bound(whole.size()));
    for (auto& range : pieces.ranges) range = {new_position[range.begin], new_position[range.end]};
    whole = std::move(letters);
    return pieces;
  };
}

std::vector<PreTokenizer> pre_tokenizers_from_json(const Json& json, const std::string& where,
                                                   StepSummary& summary) {
  if (json.is_null()) return {};
  const std::string type = text_or(json, "type", "", where);
  if (type == "Sequence") {
    std::vector<PreTokenizer> steps;
    for (const auto& inner : need_list(json, "pretokenizers", where))
      for (auto& step : pre_tokenizers_from_json(inner, where, summary)) steps.push_back(step);
    return steps;
  }
  summary.names.push_back(type);
  if (summary.byte_level) summary.foreign = type + " after ByteLevel";
  summary.ends_in_byte_letters = false;
  if (type == "Split") return split_from_json(json, where, summary);
  if (type == "ByteLevel") return byte_level_from_json(json, where, summary);
  if (type == "Metaspace") return metaspace_from_json(json, where, summary);
  if (type == "Digits") return {digits_from_json(json, where, summary)};
  summary.foreign = type;
  return other_pre_tokenizer(type, json, where);
}

}  // namespace sqpsych::tokenizers
