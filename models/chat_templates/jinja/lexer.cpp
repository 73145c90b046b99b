#include "models/chat_templates/jinja/lexer.h"

#include <algorithm>
#include <array>

#include "models/chat_templates/jinja/characters.h"
#include "models/chat_templates/jinja/string_literal.h"

namespace sqpsych::jinja {
namespace {

constexpr std::array<std::string_view, 26> kOperators = {
    "//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[",
    "]",  "(",  ")",  "{",  "}",  ">",  "<", "=", ".", ":", "|", ",", ";"};

bool is_digit_ascii(char c) { return c >= '0' && c <= '9'; }

bool is_word(char32_t code) {
  return code == '_' ||
         (code < 0x80 ? is_digit_ascii(static_cast<char>(code)) || (code | 0x20) - 'a' < 26
                      : is_letter(code) || is_number(code));
}

/// \r\n and \r become \n, and one line break at the end goes.
std::string normalised(std::string_view source) {
  std::string text;
  text.reserve(source.size());
  for (std::size_t i = 0; i < source.size(); ++i) {
    if (source[i] == '\r') {
      text += '\n';
      if (i + 1 < source.size() && source[i + 1] == '\n') ++i;
    } else {
      text += source[i];
    }
  }
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

class Lexer {
 public:
  Lexer(std::string_view source, const std::string& name)
      : name_(name), text_(normalised(source)) {}

  std::vector<Token> read() {
    while (position_ < text_.size()) read_data_and_tag();
    add(TokenKind::kEnd, "", position_);
    return std::move(tokens_);
  }

 private:
  enum class Tag { kNone, kVariable, kBlock, kComment };

  [[noreturn]] void fail(std::size_t position, const std::string& problem) {
    const Place place = place_of(position);
    throw TemplateError(
        format("{}: line {}, column {}: {}.", name_, place.line, place.column, problem));
  }

  /// Positions are asked for in rising order but for rare errors.
  Place place_of(std::size_t position) {
    if (position < counted_) counted_ = line_start_ = 0, line_ = 1;
    for (; counted_ < position; ++counted_)
      if (text_[counted_] == '\n') ++line_, line_start_ = counted_ + 1;
    return {line_, static_cast<std::uint32_t>(position - line_start_ + 1)};
  }

  void add(TokenKind kind, std::string text, std::size_t position) {
    tokens_.push_back({kind, std::move(text), place_of(position)});
  }

  bool at(std::string_view expected) const {
    return std::string_view(text_).substr(position_, expected.size()) == expected;
  }
  bool take(std::string_view expected) {
    if (!at(expected)) return false;
    position_ += expected.size();
    return true;
  }
  void skip_space() {
    while (position_ < text_.size()) {
      std::size_t next = position_;
      if (!is_space(next_code_point(text_, next))) return;
      position_ = next;
    }
  }

  std::size_t find_tag() const {
    for (std::size_t i = position_; i + 1 < text_.size(); ++i)
      if (text_[i] == '{' && (text_[i + 1] == '{' || text_[i + 1] == '%' || text_[i + 1] == '#'))
        return i;
    return text_.size();
  }

  void read_data_and_tag() {
    const std::size_t begin = position_;
    const std::size_t tag = find_tag();
    if (tag == text_.size()) {
      add(TokenKind::kData, text_.substr(begin), begin);
      position_ = tag;
      return;
    }
    position_ = tag + 2;
    const char kind = text_[tag + 1];
    const char sign = take("-") ? '-' : take("+") ? '+' : ' ';
    add_data(begin, tag, sign, kind != '{');
    if (kind == '#')
      skip_comment(tag);
    else if (kind == '{')
      read_inside(TokenKind::kVariableBegin, tag);
    else if (!read_raw(tag))
      read_inside(TokenKind::kBlockBegin, tag);
  }

  void add_data(std::size_t begin, std::size_t end, char sign, bool strips_line) {
    std::string_view data = std::string_view(text_).substr(begin, end - begin);
    if (sign == '-') {
      data = without_trailing_space(data);
    } else if (sign != '+' && strips_line) {
      const auto line = data.rfind('\n') + 1;
      const bool starts_line = line > 0 || begin == 0 || text_[begin - 1] == '\n';
      if (starts_line && is_all_space(data.substr(line))) data = data.substr(0, line);
    }
    if (!data.empty()) add(TokenKind::kData, std::string(data), begin);
  }

  static std::string_view without_trailing_space(std::string_view data) {
    std::size_t end = 0;
    for (std::size_t position = 0; position < data.size();)
      if (!is_space(next_code_point(data, position))) end = position;
    return data.substr(0, end);
  }
  static bool is_all_space(std::string_view data) { return without_trailing_space(data).empty(); }

  /// Behind `%}` or `#}`: white space when the sign was -, else one line break unless it was +.
  void trim_behind(char sign) {
    if (sign == '-')
      skip_space();
    else if (sign != '+')
      take("\n");
  }

  void skip_comment(std::size_t tag) {
    const auto end = text_.find("#}", position_);
    if (end == std::string::npos) fail(tag, "found no end of this comment, expected '#}'");
    const char sign = end > position_ ? text_[end - 1] : ' ';
    position_ = end + 2;
    trim_behind(sign);
  }

  /// `{% raw %}...{% endraw %}`: everything between is data.
  bool read_raw(std::size_t tag) {
    const std::size_t start = position_;
    skip_space();
    if (!take("raw")) return position_ = start, false;
    skip_space();
    if (take("-%}"))
      skip_space();
    else if (!take("%}"))
      return position_ = start, false;
    const std::size_t begin = position_;
    for (std::size_t i = text_.find("{%", begin); i != std::string::npos;
         i = text_.find("{%", i + 1)) {
      position_ = i + 2;
      const char sign = take("-") ? '-' : take("+") ? '+' : ' ';
      skip_space();
      if (!take("endraw")) continue;
      skip_space();
      const char end_sign = take("-") ? '-' : take("+") ? '+' : ' ';
      if (!take("%}")) continue;
      const std::size_t behind = position_;
      add_data(begin, i, sign, true);
      position_ = behind;
      trim_behind(end_sign);
      return true;
    }
    fail(tag, "found no end of this raw block, expected '{% endraw %}'");
  }

  void read_inside(TokenKind begin, std::size_t tag) {
    add(begin, "", tag);
    const bool is_block = begin == TokenKind::kBlockBegin;
    std::string open;  // brackets that are not closed yet
    for (;;) {
      if (open.empty() && read_end(is_block)) return;
      skip_space();
      if (position_ >= text_.size())
        fail(tag, format("found no end of this tag, expected '{}'", is_block ? "%}" : "}}"));
      if (open.empty() && read_end(is_block)) return;
      read_token(open);
    }
  }

  bool read_end(bool is_block) {
    const std::size_t start = position_;
    const char sign = take("-") ? '-' : is_block && take("+") ? '+' : ' ';
    if (!take(is_block ? "%}" : "}}")) return position_ = start, false;
    add(is_block ? TokenKind::kBlockEnd : TokenKind::kVariableEnd, "", start);
    if (is_block)
      trim_behind(sign);
    else if (sign == '-')
      skip_space();
    return true;
  }

  void read_token(std::string& open) {
    const std::size_t start = position_;
    const char c = text_[position_];
    if (is_digit_ascii(c)) return read_number();
    if (c == '\'' || c == '"') return read_string(c);
    std::size_t next = position_;
    if (is_word(next_code_point(text_, next))) return read_name();
    for (const auto symbol : kOperators) {
      if (!take(symbol)) continue;
      balance(symbol[0], start, open);
      return add(TokenKind::kOperator, std::string(symbol), start);
    }
    fail(start, format("found the character '{}', expected an expression",
                       text_.substr(start, next - start)));
  }

  void balance(char symbol, std::size_t position, std::string& open) {
    if (symbol == '{') open += '}';
    if (symbol == '(') open += ')';
    if (symbol == '[') open += ']';
    if (symbol != '}' && symbol != ')' && symbol != ']') return;
    if (open.empty() || open.back() != symbol)
      fail(position, open.empty() ? format("found '{}', expected no closing bracket", symbol)
                                  : format("found '{}', expected '{}'", symbol, open.back()));
    open.pop_back();
  }

  void read_name() {
    const std::size_t start = position_;
    while (position_ < text_.size()) {
      std::size_t next = position_;
      if (!is_word(next_code_point(text_, next))) break;
      position_ = next;
    }
    add(TokenKind::kName, text_.substr(start, position_ - start), start);
  }

  void read_string(char quote) {
    const std::size_t start = position_++;
    while (position_ < text_.size() && text_[position_] != quote)
      position_ += text_[position_] == '\\' ? 2 : 1;
    if (position_ >= text_.size()) fail(start, "found no end of this string, expected a quote");
    ++position_;
    std::string problem;
    auto value = unescaped(text_.substr(start + 1, position_ - start - 2), problem);
    if (!problem.empty()) fail(start, problem);
    add(TokenKind::kString, std::move(value), start);
  }

  /// Digits with single underscores between them.
  bool take_digits(std::string& digits, std::string_view allowed) {
    const std::size_t start = position_;
    while (position_ < text_.size()) {
      const char c = text_[position_];
      const bool joins = c == '_' && position_ + 1 < text_.size() && position_ > start &&
                         allowed.find(text_[position_ + 1]) != std::string_view::npos;
      if (!joins && allowed.find(c) == std::string_view::npos) break;
      if (!joins) digits += c;
      ++position_;
    }
    return position_ > start;
  }

  void read_number() {
    constexpr std::string_view kDigits = "0123456789";
    const std::size_t start = position_;
    for (const auto& [prefix, allowed] : {std::pair{"0x", "0123456789abcdefABCDEF"},
                                          std::pair{"0o", "01234567"}, std::pair{"0b", "01"}}) {
      std::string digits = prefix;
      if (!at(prefix)) continue;
      position_ += 2;
      take("_");
      if (!take_digits(digits, allowed))
        fail(start, "found a number without digits, expected some");
      return add(TokenKind::kInteger, std::move(digits), start);
    }
    std::string digits;
    take_digits(digits, kDigits);
    const bool has_fraction = take_fraction(digits);
    const bool has_exponent = take_exponent(digits);
    add(has_fraction || has_exponent ? TokenKind::kFloat : TokenKind::kInteger, std::move(digits),
        start);
  }

  bool take_fraction(std::string& digits) {
    const bool follows = at(".") && position_ + 1 < text_.size() &&
                         is_digit_ascii(text_[position_ + 1]) && !is_part_of_path();
    if (!follows) return false;
    ++position_;
    digits += '.';
    return take_digits(digits, "0123456789");
  }
  /// `a.0.1` are two items, not a float.
  bool is_part_of_path() const { return !tokens_.empty() && tokens_.back().is_operator("."); }

  bool take_exponent(std::string& digits) {
    const std::size_t start = position_;
    std::string exponent;
    if (!take("e") && !take("E")) return false;
    exponent += 'e';
    if (at("+") || at("-")) exponent += text_[position_++];
    if (!take_digits(exponent, "0123456789")) return position_ = start, false;
    digits += exponent;
    return true;
  }

  const std::string& name_;
  std::string text_;
  std::size_t position_ = 0;
  std::size_t counted_ = 0;
  std::size_t line_start_ = 0;
  std::uint32_t line_ = 1;
  std::vector<Token> tokens_;
};

}  // namespace

std::vector<Token> tokens_of(std::string_view source, const std::string& name) {
  if (const auto bad = find_invalid_utf8(source); bad != std::string_view::npos)
    throw TemplateError(
        format("{}: byte {}: found no UTF-8, expected a template in UTF-8.", name, bad));
  return Lexer(source, name).read();
}

}  // namespace sqpsych::jinja
