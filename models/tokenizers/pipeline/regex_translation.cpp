#include <algorithm>
#include <array>
#include <map>
#include <vector>

#include "core/error.h"
#include "core/text.h"
#include "models/tokenizers/pipeline/code_points.h"
#include "models/tokenizers/pipeline/split_regex.h"

namespace sqpsych::tokenizers {
namespace {

constexpr std::string_view kWord = R"(\p{Alphabetic}\p{M}\p{Nd}\p{Pc})";
/// Outside brackets Oniguruma takes the numbers of Latin-1 (², ¼ ...) for word characters too.
constexpr std::string_view kWordAlone =
    R"(\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\x{B2}\x{B3}\x{B9}\x{BC}-\x{BE})";
constexpr std::string_view kHexadecimal = "0-9A-Fa-f";

struct LongName {
  std::string_view name;
  std::string_view category;
};
/// General categories that Oniguruma also knows by their long names.
constexpr LongName kLongNames[] = {{"letter", "L"},
                                   {"uppercaseletter", "Lu"},
                                   {"lowercaseletter", "Ll"},
                                   {"titlecaseletter", "Lt"},
                                   {"modifierletter", "Lm"},
                                   {"otherletter", "Lo"},
                                   {"mark", "M"},
                                   {"nonspacingmark", "Mn"},
                                   {"spacingmark", "Mc"},
                                   {"enclosingmark", "Me"},
                                   {"number", "N"},
                                   {"decimalnumber", "Nd"},
                                   {"letternumber", "Nl"},
                                   {"othernumber", "No"},
                                   {"punctuation", "P"},
                                   {"symbol", "S"},
                                   {"mathsymbol", "Sm"},
                                   {"currencysymbol", "Sc"},
                                   {"separator", "Z"},
                                   {"spaceseparator", "Zs"},
                                   {"other", "C"},
                                   {"control", "Cc"},
                                   {"digit", "Nd"}};
struct TabledCategory {
  std::string_view name;
  unsigned classes;
};
constexpr TabledCategory kTabled[] = {{"L", kLetter}, {"Ll", kLower},      {"M", kMark},
                                      {"N", kNumber}, {"P", kPunctuation}, {"S", kSymbol}};
struct BracketClass {
  std::string_view name;
  std::string_view members;
};
/// What `[:name:]` holds of Unicode in Oniguruma; PCRE2 would take ASCII alone.
constexpr BracketClass kBracketClasses[] = {{"alpha", R"(\p{Alphabetic})"},
                                            {"digit", R"(\p{Nd})"},
                                            {"alnum", R"(\p{Alphabetic}\p{Nd})"},
                                            {"upper", R"(\p{Uppercase})"},
                                            {"lower", R"(\p{Lowercase})"},
                                            {"space", R"(\p{White_Space})"},
                                            {"blank", R"(\p{Zs}\t)"},
                                            {"cntrl", R"(\p{Cc})"},
                                            {"word", kWord},
                                            {"punct", R"(\p{P}\p{S})"},
                                            {"xdigit", kHexadecimal},
                                            {"ascii", R"(\x00-\x7F)"}};
constexpr int kDeepestBrackets = 50;
/// Properties that mean the same in both; any other long name is a script's.
constexpr std::array<std::string_view, 9> kProperties = {
    "any",        "alphabetic",  "alpha", "lowercase",           "uppercase",
    "whitespace", "ideographic", "emoji", "extendedpictographic"};

/// Reads a pattern of Oniguruma's Ruby syntax and writes one of PCRE2.
class Translation {
 public:
  Translation(std::string_view pattern, const std::string& where)
      : pattern_(pattern), where_(where) {}

  std::string text() {
    while (at_ < pattern_.size()) {
      const char c = pattern_[at_];
      if (const auto counts = interval(); !counts.empty())
        add_interval(counts);
      else if (c == '(')
        begin_group();
      else if (c == ')')
        end_group();
      else
        add_item(c);
    }
    return result_ + std::string(groups_.front().options, ')');
  }

 private:
  [[noreturn]] void refuse(const char* what) const {
    // A pattern may be as long as the file; what stands around the place is enough.
    std::size_t begin = at_ - std::min<std::size_t>(at_, 60);
    std::size_t end = std::min(at_ + 60, pattern_.size());
    while (begin > 0 && is_inside_character(pattern_[begin])) --begin;
    while (end < pattern_.size() && is_inside_character(pattern_[end])) ++end;
    throw FormatError(
        format("{}: split pattern '{}{}{}': found {} at offset {}, which is not supported.", where_,
               begin > 0 ? "..." : "", pattern_.substr(begin, end - begin),
               end < pattern_.size() ? "..." : "", what, at_));
  }

  /// `{n,m}` at this place, if any.
  std::string_view interval() const {
    if (pattern_[at_] != '{') return {};
    const auto close = pattern_.find_first_not_of("0123456789,", at_ + 1);
    if (close == std::string_view::npos || pattern_[close] != '}') return {};
    const std::string_view counts = pattern_.substr(at_, close - at_ + 1);
    return counts == "{}" || counts == "{,}" ? std::string_view() : counts;
  }

  void add_interval(std::string_view counts) {
    at_ += counts.size();
    // A `+` behind it repeats in Ruby's syntax; in PCRE2's it would make it possessive.
    const bool is_repeated = at_ < pattern_.size() && pattern_[at_] == '+';
    if (is_repeated) result_.insert(item_, "(?:");
    // `{,m}` is text to PCRE2.
    result_ += counts[1] == ',' ? "{0" + std::string(counts.substr(1)) : std::string(counts);
    if (is_repeated) result_ += ")";
  }

  /// Ruby's `m` lets a dot match line breaks, which is PCRE2's `s`. Options that stand alone, as in
  /// `a(?i)b|c`, hold for what is left of the group around, alternatives included: `a(?i:b|c)`.
  void begin_group() {
    item_ = result_.size();
    ++at_;
    if (!pattern_.substr(at_).starts_with("?")) {
      groups_.push_back({item_});
      result_ += "(";
      return;
    }
    ++at_;
    const auto end = std::min(pattern_.find_first_not_of("imx-", at_), pattern_.size());
    std::string flags(pattern_.substr(at_, end - at_));
    std::replace(flags.begin(), flags.end(), 'm', 's');
    at_ = end;
    const bool stands_alone = pattern_.substr(at_).starts_with(")");
    if (stands_alone)
      ++groups_.back().options;
    else
      groups_.push_back({item_});
    result_ += "(?" + flags + (stands_alone ? ":" : "");
    at_ += stands_alone ? 1 : 0;
  }

  void end_group() {
    item_ = groups_.size() > 1 ? groups_.back().begin : result_.size();
    if (groups_.size() > 1) {
      result_.append(groups_.back().options, ')');
      groups_.pop_back();
    }
    result_ += pattern_[at_++];
  }

  void add_item(char c) {
    if (std::string_view("?*+").find(c) == std::string_view::npos) item_ = result_.size();
    if (c == '\\')
      result_ += escape(false);
    else if (c == '[')
      result_ += bracket();
    else
      result_ += pattern_[at_++];
  }

  /// `\b` and `\B`: a place with, or without, a word character on one side only.
  static std::string word_boundary(bool is_negated) {
    const std::string word = "[" + std::string(kWordAlone) + "]";
    const std::string before = "(?<=" + word + ")";
    const std::string not_before = "(?<!" + word + ")";
    const std::string behind = "(?=" + word + ")";
    const std::string not_behind = "(?!" + word + ")";
    if (is_negated) return "(?:" + before + behind + "|" + not_before + not_behind + ")";
    return "(?:" + before + not_behind + "|" + not_before + behind + ")";
  }

  /// `\xHH` is a byte there and a code point here; they agree on ASCII.
  void refuse_byte() const {
    const std::string_view digits = pattern_.substr(at_ + 2, 2);
    const auto is_one_of = [](char c, std::string_view set) { return set.find(c) < set.size(); };
    if (digits.size() == 2 && is_one_of(digits[0], "89abcdefABCDEF") &&
        is_one_of(digits[1], "0123456789abcdefABCDEF"))
      refuse("a byte outside ASCII");
  }

  std::string escape(bool in_brackets) {
    if (at_ + 1 == pattern_.size()) refuse("a single backslash");
    const char name = pattern_[at_ + 1];
    const auto set = [&](std::string_view members, bool is_negated) {
      if (in_brackets && is_negated) refuse("a negated class inside brackets");
      at_ += 2;
      if (in_brackets) return std::string(members);
      return (is_negated ? "[^" : "[") + std::string(members) + "]";
    };
    switch (name) {
      case 's':
      case 'S':
        at_ += 2;
        return name == 's' ? R"(\p{White_Space})" : R"(\P{White_Space})";
      case 'w':
      case 'W':
        return set(in_brackets ? kWord : kWordAlone, name == 'W');
      case 'h':
      case 'H':
        return set(kHexadecimal, name == 'H');
      case 'p':
      case 'P':
        return property(in_brackets);
      case 'v':
        at_ += 2;
        return R"(\x0B)";
      case 'b':
      case 'B':
        at_ += 2;
        if (in_brackets) return {'\\', name};
        return word_boundary(name == 'B');
      case 'x':
        refuse_byte();
        [[fallthrough]];
      default:
        at_ += 2;
        return {'\\', name};
    }
  }

  /// `\p{Name}`, `\p{^Name}`, `\P{Name}`. A negated one inside brackets is as old as PCRE2.
  std::string property(bool in_brackets) {
    const auto close = pattern_.find('}', at_);
    if (at_ + 2 >= pattern_.size() || pattern_[at_ + 2] != '{' || close == std::string_view::npos)
      refuse("a property without braces");
    bool is_negated = pattern_[at_ + 1] == 'P';
    std::string_view name = pattern_.substr(at_ + 3, close - at_ - 3);
    if (name.starts_with('^')) {
      is_negated = !is_negated;
      name.remove_prefix(1);
    }
    at_ = close + 1;
    const std::string known = property_name(name);
    const std::string& newer = newer_members(known);
    if (newer.empty() || (in_brackets && is_negated))
      return (is_negated ? "\\P{" : "\\p{") + known + "}";
    const std::string members = "\\p{" + known + "}" + newer;
    return in_brackets ? members : (is_negated ? "[^" : "[") + members + "]";
  }

  const std::string& newer_members(const std::string& property) {
    const auto [found, is_new] = newer_members_.try_emplace(property);
    for (const TabledCategory& category : kTabled)
      if (is_new && category.name == property)
        found->second = SplitRegex::newer_members(property, category.classes);
    return found->second;
  }

  static std::string property_name(std::string_view name) {
    if (name.find_first_of(":=") != std::string_view::npos) return std::string(name);
    std::string plain = to_lower_ascii(name);
    std::erase_if(plain, [](char c) { return c == '_' || c == ' ' || c == '-'; });
    for (const LongName& known : kLongNames)
      if (known.name == plain) return std::string(known.category);
    const bool is_category = name.size() <= 2;
    const bool is_property =
        std::find(kProperties.begin(), kProperties.end(), plain) != kProperties.end();
    return (is_category || is_property ? "" : "sc:") + std::string(name);
  }

  /// `[...]`, and `[a&&[b]]` as a look at [b] before [a].
  std::string bracket() {
    if (++depth_ > kDeepestBrackets) refuse("brackets too deep inside each other");
    ++at_;
    std::string members = take('^');
    members += take(']');
    std::string condition;
    for (;;) {
      if (at_ == pattern_.size()) refuse("brackets without an end");
      const std::string_view rest = pattern_.substr(at_);
      if (rest.starts_with(']')) break;
      if (rest.starts_with("[:")) {
        members += bracket_class();
      } else if (rest.starts_with("&&[") && members.size() > 0 && members.front() != '^') {
        at_ += 2;
        condition += "(?=" + bracket() + ")";
      } else if (rest.starts_with("&&") || rest.starts_with("[")) {
        refuse("brackets inside brackets");
      } else if (rest.starts_with("\\")) {
        members += escape(true);
      } else {
        members += pattern_[at_++];
      }
    }
    ++at_;
    --depth_;
    const std::string set = "[" + members + "]";
    return condition.empty() ? set : "(?:" + condition + set + ")";
  }

  std::string bracket_class() {
    const auto close = pattern_.find(":]", at_);
    if (close == std::string_view::npos) refuse("a class name without an end");
    const auto name = pattern_.substr(at_ + 2, close - at_ - 2);
    for (const BracketClass& known : kBracketClasses)
      if (known.name == name) {
        at_ = close + 2;
        std::string members(known.members);
        for (const TabledCategory& category : kTabled)
          if (known.members.find(format("\\p{{{}}}", category.name)) != std::string_view::npos)
            members += newer_members(std::string(category.name));
        return members;
      }
    refuse("a class name that has no translation");
  }

  std::string take(char c) {
    if (at_ == pattern_.size() || pattern_[at_] != c) return "";
    ++at_;
    return c == ']' ? "\\]" : std::string(1, c);
  }

  std::string_view pattern_;
  const std::string& where_;
  struct Group {
    std::size_t begin = 0;    // in `result_`
    std::size_t options = 0;  // groups opened inside it for options that stand alone
  };

  std::size_t at_ = 0;
  std::string result_;
  std::size_t item_ = 0;  // where what a quantifier would repeat begins in `result_`
  std::vector<Group> groups_ = {{}};
  int depth_ = 0;
  std::map<std::string, std::string> newer_members_;
};

}  // namespace

std::string pcre2_pattern(std::string_view pattern, const std::string& where) {
  return Translation(pattern, where).text();
}

}  // namespace sqpsych::tokenizers
