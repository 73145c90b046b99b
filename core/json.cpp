#include "core/json.h"

#include <algorithm>
#include <charconv>
#include <unordered_set>

#include "core/error.h"
#include "core/files.h"
#include "core/text.h"

namespace sqpsych {
namespace {

constexpr int kMaxDepth = 200;
/// Below this many keys comparing all of them is faster than hashing.
constexpr std::size_t kFewKeys = 12;

using Members = std::vector<std::pair<std::string, Json>>;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

class Parser {
 public:
  Parser(std::string_view text, const std::string& where, bool allow_comments)
      : begin_(text.data()),
        at_(text.data()),
        end_(text.data() + text.size()),
        where_(where),
        allow_comments_(allow_comments) {}

  Json document() {
    Json result = value(0);
    skip_space();
    if (at_ != end_) fail("the end of the text");
    return result;
  }

 private:
  Json value(int depth) {
    skip_space();
    switch (at_ == end_ ? '\0' : *at_) {
      case '{':
        return object(depth);
      case '[':
        return array(depth);
      case '"':
        return string();
      case 't':
        return word("true", true);
      case 'f':
        return word("false", false);
      case 'n':
        return word("null", nullptr);
      default:
        return number();
    }
  }

  Json word(std::string_view text, Json result) {
    if (!std::string_view(at_, static_cast<std::size_t>(end_ - at_)).starts_with(text))
      fail("a value");
    at_ += text.size();
    return result;
  }

  /// `depth`: brackets around this one.
  void need_shallow(int depth) const {
    if (depth >= kMaxDepth)
      throw FormatError(
          format("{}: found JSON nested deeper than {}, expected less.", where_, kMaxDepth));
  }

  Json array(int depth) {
    need_shallow(depth);
    ++at_;
    Json::array_t items;
    if (next_is(']')) return items;
    do items.push_back(value(depth + 1));
    while (another(']'));
    return items;
  }

  Json object(int depth) {
    need_shallow(depth);
    ++at_;
    Members members;
    if (next_is('}')) return Json::object();
    do {
      skip_space();
      if (at_ == end_ || *at_ != '"') fail("a key in quotes");
      std::string key = string();
      skip_space();
      if (at_ == end_ || *at_ != ':') fail("':'");
      ++at_;
      members.emplace_back(std::move(key), value(depth + 1));
    } while (another('}'));
    need_distinct(members);
    Json::object_t result;
    result.reserve(members.size());
    for (auto& [key, member] : members)
      result.Container::emplace_back(std::move(key), std::move(member));
    return result;
  }

  void need_distinct(const Members& members) const {
    const auto refuse = [&](const std::string& key) {
      throw FormatError(
          format("{}: key '{}' appears twice in one object, expected once.", where_, key));
    };
    if (members.size() <= kFewKeys) {
      for (auto member = members.begin(); member != members.end(); ++member)
        if (std::any_of(members.begin(), member,
                        [&](const auto& other) { return other.first == member->first; }))
          refuse(member->first);
      return;
    }
    std::unordered_set<std::string_view> seen;
    seen.reserve(members.size());
    for (const auto& member : members)
      if (!seen.insert(member.first).second) refuse(member.first);
  }

  bool next_is(char closing) {
    skip_space();
    if (at_ == end_ || *at_ != closing) return false;
    ++at_;
    return true;
  }

  /// After an entry: true behind a comma, false behind the closing bracket.
  bool another(char closing) {
    if (next_is(closing)) return false;
    if (at_ == end_ || *at_ != ',') fail(format("',' or '{}'", closing));
    ++at_;
    return true;
  }

  std::string string() {
    ++at_;
    std::string text;
    for (;;) {
      const char* const chunk = at_;
      while (at_ != end_ && *at_ != '"' && *at_ != '\\' && static_cast<unsigned char>(*at_) >= 0x20)
        ++at_;
      text.append(chunk, at_);
      if (at_ == end_) fail("the end of a text in quotes");
      if (*at_ == '"') {
        ++at_;
        return text;
      }
      if (*at_ != '\\') fail("a character that is no control character, or its escape");
      escape(text);
    }
  }

  void escape(std::string& text) {
    constexpr std::string_view kNames = "\"\\/bfnrt";
    constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
    ++at_;
    if (at_ != end_ && *at_ == 'u') return append_utf8(text, escaped_code_point());
    const auto index = at_ == end_ ? std::string_view::npos : kNames.find(*at_);
    if (index == std::string_view::npos)
      fail("one of the escapes \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\u");
    text.push_back(kMeanings[index]);
    ++at_;
  }

  char32_t escaped_code_point() {
    const char32_t first = four_digits();
    if (first < 0xD800 || first > 0xDFFF) return first;
    if (first > 0xDBFF || end_ - at_ < 2 || at_[0] != '\\' || at_[1] != 'u')
      fail("a pair of surrogates");
    ++at_;
    const char32_t second = four_digits();
    if (second < 0xDC00 || second > 0xDFFF) fail("a pair of surrogates");
    return 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
  }

  /// The number behind `\u`; `at_` stands on the u.
  char32_t four_digits() {
    std::uint32_t code = 0;
    const char* const digits = at_ + 1;
    if (end_ - at_ < 5) fail("four hexadecimal digits");
    const auto [stop, error] = std::from_chars(digits, digits + 4, code, 16);
    if (error != std::errc() || stop != digits + 4) fail("four hexadecimal digits");
    at_ = digits + 4;
    return code;
  }

  Json number() {
    const char* const start = at_;
    if (at_ != end_ && *at_ == '-') ++at_;
    if (at_ == end_ || !is_digit(*at_)) {
      at_ = start;
      fail("a value");
    }
    if (*at_ == '0')
      ++at_;
    else
      digits();
    const bool is_whole = !fraction_or_exponent();
    if (is_whole) {
      std::uint64_t positive = 0;
      std::int64_t negative = 0;
      if (*start == '-' && std::from_chars(start, at_, negative).ec == std::errc()) return negative;
      if (*start != '-' && std::from_chars(start, at_, positive).ec == std::errc()) return positive;
    }
    double real = 0;
    if (std::from_chars(start, at_, real).ec != std::errc()) {
      at_ = start;
      fail("a number that a double can hold");
    }
    return real;
  }

  bool fraction_or_exponent() {
    const char* const start = at_;
    if (at_ != end_ && *at_ == '.') {
      ++at_;
      digits();
    }
    if (at_ != end_ && (*at_ == 'e' || *at_ == 'E')) {
      ++at_;
      if (at_ != end_ && (*at_ == '+' || *at_ == '-')) ++at_;
      digits();
    }
    return at_ != start;
  }

  void digits() {
    if (at_ == end_ || !is_digit(*at_)) fail("a digit");
    while (at_ != end_ && is_digit(*at_)) ++at_;
  }

  void skip_space() {
    for (;;) {
      while (at_ != end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t')) ++at_;
      if (!allow_comments_ || end_ - at_ < 2 || at_[0] != '/') return;
      const std::string_view rest(at_, static_cast<std::size_t>(end_ - at_));
      const bool is_line = at_[1] == '/';
      if (!is_line && at_[1] != '*') return;
      const std::size_t close = is_line ? rest.find('\n') : rest.find("*/", 2);
      if (close == std::string_view::npos && !is_line) fail("the end of a comment");
      at_ = close == std::string_view::npos ? end_ : at_ + close + (is_line ? 1 : 2);
    }
  }

  [[noreturn]] void fail(const std::string& expected) const {
    const std::string_view before(begin_, static_cast<std::size_t>(at_ - begin_));
    const auto line = 1 + std::count(before.begin(), before.end(), '\n');
    const auto line_start = before.rfind('\n');
    const auto column =
        before.size() - (line_start == std::string_view::npos ? 0 : line_start + 1) + 1;
    std::string found = "the end";
    if (at_ != end_) {
      std::size_t position = 0;
      const auto code = next_code_point({at_, static_cast<std::size_t>(end_ - at_)}, position);
      found = code < 0x20 ? format("U+{:04X}", static_cast<unsigned>(code))
                          : "'" + std::string(at_, position) + "'";
    }
    throw FormatError(format("{}: not valid JSON: line {}, column {}: found {}, expected {}.",
                             where_, line, column, found, expected));
  }

  const char* begin_;
  const char* at_;
  const char* end_;
  const std::string& where_;
  bool allow_comments_;
};

}  // namespace

Json parse_json(std::string_view text, const std::string& where, bool allow_comments) {
  const std::size_t invalid = find_invalid_utf8(text);
  if (invalid != std::string_view::npos)
    throw FormatError(format(
        "{}: found bytes that are not UTF-8 at offset {}, expected UTF-8 text.", where, invalid));
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  return Parser(text, where, allow_comments).document();
}

Json read_json(const std::filesystem::path& path) {
  const MappedFile file(path);
  return parse_json(file.text(), path.string(), true);
}

}  // namespace sqpsych
