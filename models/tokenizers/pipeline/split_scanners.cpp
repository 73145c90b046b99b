#include "models/tokenizers/pipeline/split_scanners.h"

#include "core/text.h"
#include "models/tokenizers/pipeline/code_points.h"
#include "models/tokenizers/pipeline/split_patterns.h"

namespace sqpsych::tokenizers {
namespace {

/// English endings behind an apostrophe.
enum class Endings { kNone, kLowercase, kAsciiCase, kAnyCase, kBehindWords };
enum class Words {
  kSpaced,     ///< ` ?\p{L}+`
  kLed,        ///< `[^\r\n\p{L}\p{N}]?\p{L}+`
  kLedMarked,  ///< `[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+`
  kCased,      ///< two alternatives, upper case before lower case
  kDeepSeek    ///< ASCII punctuation before ASCII letters, `[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+`
};

/// What the known patterns differ in.
struct Shape {
  Endings endings;
  Words words;
  int digits;       ///< digits of one match; 0: any number, with a space before them
  unsigned others;  ///< the classes that end a run of punctuation: what `[^\s...]` leaves out
  bool slash_tail;  ///< such a run takes slashes along with line breaks
};

constexpr unsigned kNotOther = kSpace | kLetter | kNumber;
constexpr Shape kGpt2{Endings::kLowercase, Words::kSpaced, 0, kNotOther, false};
constexpr Shape kLlama3{Endings::kAnyCase, Words::kLed, 3, kNotOther, false};
constexpr Shape kLlama3Spelled{Endings::kAsciiCase, Words::kLed, 3, kNotOther, false};
constexpr Shape kQwen2{Endings::kAnyCase, Words::kLed, 1, kNotOther, false};
constexpr Shape kQwen2Spelled{Endings::kAsciiCase, Words::kLed, 1, kNotOther, false};
constexpr Shape kQwen35{Endings::kAnyCase, Words::kLedMarked, 1, kNotOther | kMark, false};
constexpr Shape kTekken{Endings::kNone, Words::kCased, 1, kNotOther, true};
constexpr Shape kGpt4o{Endings::kBehindWords, Words::kCased, 3, kNotOther, true};
constexpr Shape kDeepSeekWords{Endings::kNone, Words::kDeepSeek, -1, 0, false};

/// A character of the text; size 0 behind the end.
struct Character {
  unsigned classes = 0;
  std::size_t size = 0;
  bool is(unsigned mask) const { return (classes & mask) != 0; }
};

class Text {
 public:
  explicit Text(std::string_view text) : text_(text), classes_(code_classes()) {}
  std::size_t size() const { return text_.size(); }
  unsigned char byte(std::size_t at) const {
    return at < text_.size() ? static_cast<unsigned char>(text_[at]) : 0;
  }
  Character at(std::size_t position) const {
    if (position >= text_.size()) return {};
    const auto lead = static_cast<unsigned char>(text_[position]);
    if (lead < 0x80) return {classes_[lead], 1};
    std::size_t next = position;
    const char32_t code = next_code_point(text_, next);
    return {classes_[code], next - position};
  }
  bool is_break(std::size_t at) const { return byte(at) == '\r' || byte(at) == '\n'; }
  /// The end of the run of characters of the classes that begins at `at`.
  std::size_t run(std::size_t at, unsigned classes) const {
    for (Character c = this->at(at); c.is(classes); c = this->at(at)) at += c.size;
    return at;
  }
  /// The end of the run of characters of none of the classes.
  std::size_t run_without(std::size_t at, unsigned classes) const {
    for (Character c = this->at(at); c.size > 0 && !c.is(classes); c = this->at(at)) at += c.size;
    return at;
  }

 private:
  std::string_view text_;
  const std::uint8_t* classes_;
};

/// End of `'s|'t|'re|'ve|'m|'ll|'d` at `at`, or `at`.
std::size_t ending_at(const Text& text, std::size_t at, Endings kind) {
  if (text.byte(at) != '\'') return at;
  const auto letter = [&](std::size_t i) {
    const unsigned char byte = text.byte(i);
    const bool is_upper = byte >= 'A' && byte <= 'Z';
    return static_cast<char>(is_upper && kind != Endings::kLowercase ? byte + 0x20 : byte);
  };
  const char first = letter(at + 1);
  const char second = letter(at + 2);
  if (first == 's' || first == 't' || first == 'm' || first == 'd') return at + 2;
  if ((first == 'r' && second == 'e') || (first == 'v' && second == 'e') ||
      (first == 'l' && second == 'l'))
    return at + 3;
  // U+017F, the long s, is an s in either case.
  const bool folds = kind == Endings::kAnyCase || kind == Endings::kBehindWords;
  return folds && text.byte(at + 1) == 0xC5 && text.byte(at + 2) == 0xBF ? at + 3 : at;
}

constexpr unsigned kUpperRun = kUpper | kCaseless | kMark;
constexpr unsigned kLowerRun = kLower | kCaseless | kMark;

/// End of `[upper]*[lower]+` at `at`, or `at`: the upper run gives back what the lower one needs.
std::size_t upper_then_lower(const Text& text, std::size_t at) {
  std::size_t last_shared_end = at;
  std::size_t i = at;
  for (Character c = text.at(i); c.is(kUpperRun); c = text.at(i)) {
    i += c.size;
    if (c.is(kLowerRun)) last_shared_end = i;
  }
  const std::size_t end = text.run(i, kLowerRun);
  return end > i ? end : last_shared_end;
}

/// End of `[upper]+[lower]*` at `at`, or `at`.
std::size_t upper_with_lower(const Text& text, std::size_t at) {
  const std::size_t upper = text.run(at, kUpperRun);
  return upper == at ? at : text.run(upper, kLowerRun);
}

std::size_t cased_word(const Text& text, std::size_t at, const Character& first, bool may_lead) {
  for (const auto word : {&upper_then_lower, &upper_with_lower}) {
    if (may_lead)
      if (const std::size_t end = word(text, at + first.size); end > at + first.size) return end;
    if (!may_lead || first.is(kMark))
      if (const std::size_t end = word(text, at); end > at) return end;
  }
  return at;
}

/// A word with at most one character before it that `may_lead`.
std::size_t led_word(const Text& text, std::size_t at, const Character& first, bool may_lead,
                     unsigned letters) {
  if (may_lead)
    if (const std::size_t end = text.run(at + first.size, letters); end > at + first.size)
      return end;
  return first.is(letters) ? text.run(at, letters) : at;
}

bool is_ascii_letter(unsigned char byte) {
  return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

std::size_t word_behind_sign(const Text& text, std::size_t at, const Character& first) {
  if (first.size == 1 && first.is(kPunctuation | kSymbol) && is_ascii_letter(text.byte(at + 1))) {
    std::size_t end = at + 1;
    while (is_ascii_letter(text.byte(end))) ++end;
    return end;
  }
  const bool may_lead = !text.is_break(at) && !first.is(kLetter | kPunctuation | kSymbol);
  return led_word(text, at, first, may_lead, kLetter | kMark);
}

template <Shape kShape>
std::size_t word_at(const Text& text, std::size_t at, const Character& first) {
  if constexpr (kShape.words == Words::kSpaced)
    return led_word(text, at, first, text.byte(at) == ' ', kLetter);
  else if constexpr (kShape.words == Words::kDeepSeek)
    return word_behind_sign(text, at, first);
  const bool may_lead = !text.is_break(at) && !first.is(kLetter | kNumber);
  if constexpr (kShape.words == Words::kLed) return led_word(text, at, first, may_lead, kLetter);
  if constexpr (kShape.words == Words::kLedMarked)
    return led_word(text, at, first, may_lead, kLetter | kMark);
  const std::size_t end = cased_word(text, at, first, may_lead);
  return kShape.endings == Endings::kBehindWords && end > at ? ending_at(text, end, kShape.endings)
                                                             : end;
}

template <Shape kShape>
std::size_t number_at(const Text& text, std::size_t at, const Character& first) {
  if constexpr (kShape.digits < 0) return at;
  if constexpr (kShape.digits == 0) return led_word(text, at, first, text.byte(at) == ' ', kNumber);
  std::size_t end = at;
  for (int digit = 0; digit < kShape.digits; ++digit) {
    const Character c = text.at(end);
    if (!c.is(kNumber)) break;
    end += c.size;
  }
  return end;
}

/// Punctuation and what else is no word, with at most one space before it and line breaks behind.
template <Shape kShape>
std::size_t others_at(const Text& text, std::size_t at, const Character& first) {
  const std::size_t begin = text.byte(at) == ' ' ? at + first.size : at;
  std::size_t end = kShape.words == Words::kDeepSeek ? text.run(begin, kPunctuation | kSymbol)
                                                     : text.run_without(begin, kShape.others);
  if (end == begin) return at;
  if constexpr (kShape.words != Words::kSpaced)
    while (text.is_break(end) || (kShape.slash_tail && text.byte(end) == '/')) ++end;
  return end;
}

/// `\s*[\r\n]+|\s+(?!\S)|\s+`: up to the last line break, or all but the last space before a word.
template <Shape kShape>
std::size_t space_at(const Text& text, std::size_t at) {
  std::size_t end = at;
  std::size_t last = at;
  std::size_t behind_break = at;
  for (Character c = text.at(end); c.is(kSpace); c = text.at(end)) {
    last = end;
    end += c.size;
    if (text.is_break(last)) behind_break = end;
  }
  if (kShape.words != Words::kSpaced && behind_break > at) return behind_break;
  return end == text.size() || last == at ? end : last;
}

template <Shape kShape>
void scan(std::string_view source, std::vector<ByteSpan>& matches) {
  const Text text(source);
  for (std::size_t at = 0; at < text.size();) {
    const Character first = text.at(at);
    std::size_t end = at;
    if constexpr (kShape.endings != Endings::kNone && kShape.endings != Endings::kBehindWords)
      end = ending_at(text, at, kShape.endings);
    if (end == at) end = word_at<kShape>(text, at, first);
    if (end == at) end = number_at<kShape>(text, at, first);
    if (end == at) end = others_at<kShape>(text, at, first);
    if (end == at) end = space_at<kShape>(text, at);
    if (end == at) {
      at += first.size;
      continue;
    }
    matches.push_back({at, end});
    at = end;
  }
}

void scan_digits(std::string_view source, std::vector<ByteSpan>& matches, int most) {
  const Text text(source);
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = at;
    Character c = text.at(end);
    for (int count = 0; count < most && c.is(kNumber); ++count, c = text.at(end)) end += c.size;
    if (end > at)
      matches.push_back({at, end});
    else
      end = at + c.size;
    at = end;
  }
}

void scan_digit(std::string_view source, std::vector<ByteSpan>& matches) {
  scan_digits(source, matches, 1);
}
void scan_three_digits(std::string_view source, std::vector<ByteSpan>& matches) {
  scan_digits(source, matches, 3);
}

/// `[一-龥぀-ゟ゠-ヿ]+`: Han, Hiragana, Katakana.
void scan_han_and_kana(std::string_view text, std::vector<ByteSpan>& matches) {
  std::size_t begin = 0;
  std::size_t at = 0;
  const auto flush = [&] {
    if (at > begin) matches.push_back({begin, at});
  };
  while (at < text.size()) {
    std::size_t next = at;
    const char32_t code = next_code_point(text, next);
    const bool is_in = (code >= 0x4E00 && code <= 0x9FA5) || (code >= 0x3040 && code <= 0x30FF);
    if (!is_in) {
      flush();
      begin = next;
    }
    at = next;
  }
  flush();
}

struct Known {
  std::string_view pattern;
  SplitScanner scanner;
};

constexpr Known kKnown[] = {
    {patterns::kGpt2, &scan<kGpt2>},
    {patterns::kLlama3, &scan<kLlama3>},
    {patterns::kLlama3Spelled, &scan<kLlama3Spelled>},
    {patterns::kQwen2, &scan<kQwen2>},
    {patterns::kQwen2Spelled, &scan<kQwen2Spelled>},
    {patterns::kQwen35, &scan<kQwen35>},
    {patterns::kTekken, &scan<kTekken>},
    {patterns::kGpt4o, &scan<kGpt4o>},
    {patterns::kDigit, &scan_digit},
    {patterns::kThreeDigits, &scan_three_digits},
    {patterns::kHanAndKana, &scan_han_and_kana},
    {patterns::kDeepSeekWords, &scan<kDeepSeekWords>},
};

}  // namespace

SplitScanner find_scanner(std::string_view pattern) {
  const std::string spelling = escaped_pattern(pattern);
  for (const Known& known : kKnown)
    if (known.pattern == spelling) return known.scanner;
  return nullptr;
}

}  // namespace sqpsych::tokenizers
