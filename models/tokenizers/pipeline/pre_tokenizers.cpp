#include <utf8proc.h>

#include <memory>

#include "core/error.h"
#include "core/text.h"
#include "models/tokenizers/pipeline/byte_letters.h"
#include "models/tokenizers/pipeline/split_regex.h"
#include "models/tokenizers/pipeline/text_steps.h"

namespace sqpsych::tokenizers {
namespace {

enum class Behavior { kRemoved, kIsolated, kMergedWithPrevious, kMergedWithNext, kContiguous };

struct Run {
  ByteSpan range;
  bool is_match = false;
};

/// The whole of `range` as alternating matches and gaps, in order; empty runs are left out.
std::vector<Run> runs_of(ByteSpan range, const std::vector<ByteSpan>& matches, bool invert) {
  std::vector<Run> runs;
  std::size_t done = range.begin;
  const auto add = [&](std::size_t end, bool is_match) {
    if (end > done) runs.push_back({{done, end}, is_match != invert});
    done = end;
  };
  for (const ByteSpan match : matches) {
    add(range.begin + match.begin, false);
    add(range.begin + match.end, true);
  }
  add(range.end, false);
  return runs;
}

void append_runs(const std::vector<Run>& runs, Behavior behavior, std::vector<ByteSpan>& ranges) {
  bool previous_was_match = false;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const Run& run = runs[i];
    const bool first = i == 0;
    bool extend = false;
    if (behavior == Behavior::kRemoved && run.is_match) continue;
    if (behavior == Behavior::kMergedWithPrevious)
      extend = !first && run.is_match && !previous_was_match;
    if (behavior == Behavior::kMergedWithNext)
      extend = !first && !run.is_match && previous_was_match;
    if (behavior == Behavior::kContiguous) extend = !first && run.is_match == previous_was_match;
    if (extend)
      ranges.back().end = run.range.end;
    else
      ranges.push_back(run.range);
    previous_was_match = run.is_match;
  }
}

using FindAll = std::function<std::vector<ByteSpan>(std::string_view)>;

PreTokenizer split_step(FindAll find, Behavior behavior, bool invert) {
  return [find = std::move(find), behavior, invert](Pieces pieces) {
    std::vector<ByteSpan> ranges;
    const std::string_view text = pieces.whole.text;
    for (const ByteSpan range : pieces.ranges) {
      const auto matches = find(text.substr(range.begin, range.end - range.begin));
      append_runs(runs_of(range, matches, invert), behavior, ranges);
    }
    pieces.ranges = std::move(ranges);
    return pieces;
  };
}

FindAll find_text(std::string pattern) {
  return [pattern = std::move(pattern)](std::string_view text) {
    std::vector<ByteSpan> found;
    for (std::size_t at = text.find(pattern); at != std::string_view::npos;
         at = text.find(pattern, at + pattern.size()))
      found.push_back({at, at + pattern.size()});
    return found;
  };
}

FindAll find_regex(const std::string& pattern, const std::string& where) {
  return
      [regex = SplitRegex(pattern, where)](std::string_view text) { return regex.find_all(text); };
}

Behavior behavior_from_json(const LargeJson& json, const std::string& where) {
  const std::string name = text_or(json, "behavior", "Isolated", where);
  if (name == "Removed") return Behavior::kRemoved;
  if (name == "Isolated") return Behavior::kIsolated;
  if (name == "MergedWithPrevious") return Behavior::kMergedWithPrevious;
  if (name == "MergedWithNext") return Behavior::kMergedWithNext;
  if (name == "Contiguous") return Behavior::kContiguous;
  throw FormatError(format("{}: pre_tokenizer: Split: found behavior '{}', which is not supported.",
                           where, name));
}

PreTokenizer split_from_json(const LargeJson& json, const std::string& where,
                             StepSummary& summary) {
  const Behavior behavior = behavior_from_json(json, where);
  const bool invert = flag_or(json, "invert", false, where);
  const LargeJson& pattern = value_or_null(json, "pattern");
  if (value_or_null(pattern, "Regex").is_string()) {
    const auto regex = pattern["Regex"].get<std::string>();
    const bool cuts_only =
        behavior == Behavior::kIsolated || (behavior == Behavior::kRemoved && invert);
    if (!cuts_only || !summary.split_pattern.empty()) summary.foreign = "Split";
    summary.split_pattern = regex;
    return split_step(find_regex(regex, where), behavior, invert);
  }
  const std::string text = text_or(pattern, "String", "", where);
  if (text.empty())
    throw FormatError(
        format("{}: pre_tokenizer: Split: found no pattern, expected String or Regex.", where));
  summary.foreign = "Split";
  return split_step(find_text(text), behavior, invert);
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

std::vector<PreTokenizer> byte_level_from_json(const LargeJson& json, const std::string& where,
                                               StepSummary& summary) {
  std::vector<PreTokenizer> steps;
  summary.byte_level = true;
  if (flag_or(json, "add_prefix_space", true, where)) {
    summary.byte_level_prefix_space = true;
    steps.push_back(prefix_space_step());
  }
  if (flag_or(json, "use_regex", true, where)) {
    const auto* split = find_split_by_name("gpt2");
    if (!summary.split_pattern.empty()) summary.foreign = "ByteLevel after Split";
    summary.split_pattern = split->pattern;
    steps.push_back(isolated_split_step(std::string(split->pattern), where));
  }
  steps.push_back(byte_letters_step());
  return steps;
}

enum class PrependScheme { kAlways, kFirst, kNever };

std::vector<PreTokenizer> metaspace_from_json(const LargeJson& json, const std::string& where,
                                              StepSummary& summary) {
  const std::string mark = text_or(json, "replacement", std::string(kSpaceMark), where);
  const bool old_flag = flag_or(json, "add_prefix_space", true, where);
  const std::string name = text_or(json, "prepend_scheme", old_flag ? "always" : "never", where);
  if (name != "always" && name != "first" && name != "never")
    throw FormatError(format(
        "{}: pre_tokenizer: Metaspace: found prepend_scheme '{}', expected always, first or never.",
        where, name));
  const auto scheme = name == "always"  ? PrependScheme::kAlways
                      : name == "first" ? PrependScheme::kFirst
                                        : PrependScheme::kNever;
  const bool split = flag_or(json, "split", true, where);
  if (mark == kSpaceMark && !split && scheme != PrependScheme::kFirst) {
    summary.replaces_space = true;
    summary.prepends_space_mark = scheme == PrependScheme::kAlways;
  } else {
    summary.foreign = "Metaspace";
  }
  std::vector<PreTokenizer> steps;
  steps.push_back([mark, scheme](Pieces pieces) {
    AlignedWriter writer(pieces.whole);
    Pieces result;
    result.at_text_start = pieces.at_text_start;
    for (const ByteSpan range : pieces.ranges) {
      const std::string_view text = pieces.whole.text;
      const bool marked = text[range.begin] == ' ' || text.substr(range.begin).starts_with(mark);
      const bool at_start = pieces.at_text_start && range.begin == 0;
      const std::size_t begin = writer.written();
      if (!marked &&
          (scheme == PrependScheme::kAlways || (scheme == PrependScheme::kFirst && at_start)))
        writer.replace(mark, range.begin);
      for (std::size_t i = range.begin; i < range.end; ++i)
        if (text[i] == ' ')
          writer.replace(mark, i);
        else
          writer.copy(i, i + 1);
      result.ranges.push_back({begin, writer.written()});
    }
    result.whole = writer.finish(pieces.whole.size());
    return result;
  });
  if (split) steps.push_back(split_step(find_text(mark), Behavior::kMergedWithNext, false));
  return steps;
}

PreTokenizer digits_from_json(const LargeJson& json, const std::string& where,
                              StepSummary& summary) {
  summary.foreign = "Digits";
  const bool individual = flag_or(json, "individual_digits", false, where);
  return split_step(find_regex("\\p{N}", where),
                    individual ? Behavior::kIsolated : Behavior::kContiguous, false);
}

}  // namespace

PreTokenizer isolated_split_step(const std::string& pattern, const std::string& where) {
  return split_step(find_regex(pattern, where), Behavior::kIsolated, false);
}

PreTokenizer byte_letters_step() {
  return [](Pieces pieces) {
    AlignedText& whole = pieces.whole;
    AlignedText letters;
    letters.bounds.clear();
    letters.text.reserve(whole.size() * 5 / 4);
    std::vector<std::size_t> new_position(whole.size() + 1);
    for (std::size_t i = 0; i < whole.size(); ++i) {
      const std::string& letter = byte_letters()[static_cast<unsigned char>(whole.text[i])];
      new_position[i] = letters.text.size();
      letters.text += letter;
      letters.bounds.insert(letters.bounds.end(), letter.size(), whole.bounds[i]);
    }
    new_position[whole.size()] = letters.text.size();
    letters.bounds.push_back(whole.bounds[whole.size()]);
    for (auto& range : pieces.ranges) range = {new_position[range.begin], new_position[range.end]};
    whole = std::move(letters);
    return pieces;
  };
}

std::vector<PreTokenizer> pre_tokenizers_from_json(const LargeJson& json, const std::string& where,
                                                   StepSummary& summary) {
  if (json.is_null()) return {};
  const std::string type = text_or(json, "type", "", where);
  if (type == "Sequence") {
    std::vector<PreTokenizer> steps;
    for (const auto& inner : value_or_null(json, "pretokenizers"))
      for (auto& step : pre_tokenizers_from_json(inner, where, summary)) steps.push_back(step);
    return steps;
  }
  summary.names.push_back(type);
  if (summary.byte_level) summary.foreign = type + " after ByteLevel";
  if (type == "Split") return {split_from_json(json, where, summary)};
  if (type == "ByteLevel") return byte_level_from_json(json, where, summary);
  if (type == "Metaspace") return metaspace_from_json(json, where, summary);
  if (type == "Digits") return {digits_from_json(json, where, summary)};
  throw FormatError(format(
      "{}: pre_tokenizer: found type '{}', expected one of Sequence, Split, ByteLevel, Metaspace, "
      "Digits. This tokenizer is not supported.",
      where, type));
}

}  // namespace sqpsych::tokenizers
