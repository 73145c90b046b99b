#include "models/tokenizers/pipeline/split_steps.h"

#include <array>

#include "core/error.h"
#include "core/text.h"
#include "models/tokenizers/pipeline/code_points.h"
#include "models/tokenizers/pipeline/split_regex.h"
#include "models/tokenizers/pipeline/split_scanners.h"

namespace sqpsych::tokenizers {
namespace {

struct Run {
  ByteSpan range;
  bool is_match = false;
};

/// The whole of `range` as matches and gaps in order; empty matches stay.
void collect_runs(ByteSpan range, const std::vector<ByteSpan>& matches, bool invert,
                  std::vector<Run>& runs) {
  runs.clear();
  std::size_t done = range.begin;
  for (const ByteSpan match : matches) {
    const ByteSpan here{range.begin + match.begin, range.begin + match.end};
    if (here.begin > done) runs.push_back({{done, here.begin}, invert});
    runs.push_back({here, !invert});
    done = here.end;
  }
  if (range.end > done) runs.push_back({{done, range.end}, invert});
}

/// Joins each run to the one before it where `joins(run, run before)`.
template <class Joins>
void append_joined(const std::vector<Run>& runs, const Joins& joins,
                   std::vector<ByteSpan>& ranges) {
  for (std::size_t i = 0; i < runs.size(); ++i)
    if (i > 0 && joins(runs[i], runs[i - 1]))
      ranges.back().end = runs[i].range.end;
    else
      ranges.push_back(runs[i].range);
}

void append_runs(const std::vector<Run>& runs, Behavior behavior, std::vector<ByteSpan>& ranges) {
  switch (behavior) {
    case Behavior::kRemoved:
      for (const Run& run : runs)
        if (!run.is_match) ranges.push_back(run.range);
      return;
    case Behavior::kIsolated:
      for (const Run& run : runs) ranges.push_back(run.range);
      return;
    case Behavior::kMergedWithPrevious:
      return append_joined(
          runs, [](const Run& run, const Run& last) { return run.is_match && !last.is_match; },
          ranges);
    case Behavior::kMergedWithNext:
      return append_joined(
          runs, [](const Run& run, const Run& last) { return !run.is_match && last.is_match; },
          ranges);
    case Behavior::kContiguous:
      return append_joined(
          runs, [](const Run& run, const Run& last) { return run.is_match == last.is_match; },
          ranges);
  }
}

}  // namespace

Behavior behavior_of(const std::string& name, const std::string& where) {
  constexpr std::array<std::string_view, 5> kNames = {"Removed", "Isolated", "MergedWithPrevious",
                                                      "MergedWithNext", "Contiguous"};
  for (std::size_t i = 0; i < kNames.size(); ++i)
    if (kNames[i] == name) return static_cast<Behavior>(i);
  throw FormatError(format("{}: pre_tokenizer: found behavior '{}', expected one of {}.", where,
                           name, quoted_list({kNames.begin(), kNames.end()})));
}

PreTokenizer split_step(FindMatches find, Behavior behavior, bool invert) {
  return [find = std::move(find), behavior, invert](Pieces pieces) {
    const std::string_view text = pieces.whole.text;
    std::vector<ByteSpan> ranges;
    std::vector<ByteSpan> matches;
    std::vector<Run> runs;
    for (const ByteSpan range : pieces.ranges) {
      matches.clear();
      find(text.substr(range.begin, range.end - range.begin), matches);
      collect_runs(range, matches, invert, runs);
      append_runs(runs, behavior, ranges);
    }
    std::erase_if(ranges, [](ByteSpan range) { return range.begin == range.end; });
    pieces.ranges = std::move(ranges);
    return pieces;
  };
}

FindMatches find_text(std::string wanted) {
  return [wanted = std::move(wanted)](std::string_view text, std::vector<ByteSpan>& matches) {
    for (std::size_t at = text.find(wanted); at != std::string_view::npos;
         at = text.find(wanted, at + wanted.size()))
      matches.push_back({at, at + wanted.size()});
  };
}

FindMatches find_pattern(const std::string& pattern, const std::string& where) {
  if (const SplitScanner scanner = find_scanner(pattern)) return scanner;
  return
      [regex = SplitRegex(pattern, where)](std::string_view text, std::vector<ByteSpan>& matches) {
        regex.find_all(text, matches);
      };
}

FindMatches find_characters(std::function<bool(char32_t)> is_wanted) {
  return [is_wanted = std::move(is_wanted)](std::string_view text, std::vector<ByteSpan>& matches) {
    for (std::size_t at = 0, next = 0; at < text.size(); at = next)
      if (is_wanted(next_code_point(text, next))) matches.push_back({at, next});
  };
}

FindMatches find_words_and_signs() {
  return [](std::string_view text, std::vector<ByteSpan>& matches) {
    enum Kind { kNothing, kWord, kSign };
    Kind last = kNothing;
    for (std::size_t at = 0, next = 0; at < text.size(); at = next) {
      const char32_t code = next_code_point(text, next);
      const Kind kind = is_word(code) ? kWord : is_class(code, kSpace) ? kNothing : kSign;
      if (kind != kNothing && kind == last)
        matches.back().end = next;
      else if (kind != kNothing)
        matches.push_back({at, next});
      last = kind;
    }
  };
}

FindMatches find_chunks(std::size_t length) {
  return [length](std::string_view text, std::vector<ByteSpan>& matches) {
    std::size_t begin = 0;
    std::size_t count = 0;
    for (std::size_t at = 0; at < text.size();) {
      next_code_point(text, at);
      if (++count < length && at < text.size()) continue;
      matches.push_back({begin, at});
      begin = at;
      count = 0;
    }
  };
}

FindMatches find_scripts(const std::string& where) {
  // Scripts as PCRE2 10.42 names them, Han apart.
  constexpr std::string_view kScripts =
      "Adlam Ahom Anatolian_Hieroglyphs Arabic Armenian Avestan Balinese Bamum Bassa_Vah Batak "
      "Bengali Bhaiksuki Bopomofo Brahmi Braille Buginese Buhid Canadian_Aboriginal Carian "
      "Caucasian_Albanian Chakma Cham Cherokee Common Coptic Cuneiform Cypriot Cyrillic Deseret "
      "Devanagari Duployan Egyptian_Hieroglyphs Elbasan Ethiopic Georgian Glagolitic Gothic "
      "Grantha Greek Gujarati Gurmukhi Hangul Hanunoo Hatran Hebrew Imperial_Aramaic Inherited "
      "Inscriptional_Pahlavi Inscriptional_Parthian Javanese Kaithi Kannada Kayah_Li Kharoshthi "
      "Khmer Khojki Khudawadi Lao Latin Lepcha Limbu Linear_A Linear_B Lisu Lycian Lydian Mahajani "
      "Malayalam Mandaic Manichaean Marchen Meetei_Mayek Mende_Kikakui Meroitic_Cursive "
      "Meroitic_Hieroglyphs Miao Modi Mongolian Mro Multani Myanmar Nabataean New_Tai_Lue Newa Nko "
      "Ogham Ol_Chiki Old_Hungarian Old_Italic Old_North_Arabian Old_Permic Old_Persian "
      "Old_South_Arabian Old_Turkic Oriya Osage Osmanya Pahawh_Hmong Palmyrene Pau_Cin_Hau "
      "Phags_Pa "
      "Phoenician Psalter_Pahlavi Rejang Runic Samaritan Saurashtra Sharada Shavian Siddham "
      "SignWriting Sinhala Sora_Sompeng Sundanese Syloti_Nagri Syriac Tagalog Tagbanwa Tai_Le "
      "Tai_Tham Tai_Viet Takri Tamil Tangut Telugu Thaana Thai Tibetan Tifinagh Tirhuta Ugaritic "
      "Vai Warang_Citi Yi";
  constexpr std::string_view kHan = R"(\p{sc:Han}\p{sc:Hiragana}\p{sc:Katakana}\x{30FC})";
  constexpr std::string_view kJoins = R"( \p{sc:Unknown})";
  const auto run_of = [&](std::string_view not_these, const std::string& set) {
    return format("(?:(?![{1}])[{0}])(?:(?![{1}])[{0}]|[{2}])*", set, not_these, kJoins);
  };
  std::string pattern = format("[{0}][{0}{1}]*", kHan, kJoins);
  for (const auto& script : split(kScripts, " "))
    pattern += "|" + run_of(R"( \x{30FC})", "\\p{sc:" + script + "}");
  return find_pattern(pattern, where);
}

}  // namespace sqpsych::tokenizers
