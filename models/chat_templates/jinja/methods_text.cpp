#include <algorithm>
#include <map>

#include "models/chat_templates/jinja/characters.h"
#include "models/chat_templates/jinja/formatting.h"
#include "models/chat_templates/jinja/methods.h"
#include "models/chat_templates/jinja/operators.h"
#include "models/chat_templates/jinja/text_cases.h"

namespace sqpsych::jinja {
namespace {

/// The argument's text, or null when it is None or not given.
const std::string* optional_text(Run& run, const Arguments& arguments, std::size_t index,
                                 const char* name) {
  const Value* value = arguments.find(index, name);
  return !value || value->is_none() ? nullptr : &need_text(run, *value, name).bytes;
}

std::int64_t integer_or(Run& run, const Arguments& arguments, std::size_t index, const char* name,
                        std::int64_t otherwise) {
  const Value* value = arguments.find(index, name);
  return value ? need_integer(run, *value, name) : otherwise;
}

const Text& required_text(Run& run, const Arguments& arguments, std::size_t index) {
  const Value* value = arguments.find(index, "");
  return need_text(run, value ? *value : Value(), "argument");
}

template <Side kSide>
Value strip(Run& run, const Text& self, Arguments& arguments) {
  return run.text(stripped(self, optional_text(run, arguments, 0, "chars"), kSide));
}

/// Steps that stand for the parts of a split: no more than these can come out.
std::size_t count_parts(const Text& self, const SplitRule& rule) {
  const std::size_t searched = self.bytes.size() / 64 + 1;
  if (!rule.separator) return std::min(rule.most, self.bytes.size() / 2) + searched;
  std::size_t count = searched;
  for (auto at = self.bytes.find(*rule.separator); at != std::string::npos;
       at = self.bytes.find(*rule.separator, at + rule.separator->size()))
    ++count;
  return count;
}

template <bool kFromRight>
Value split_method(Run& run, const Text& self, Arguments& arguments) {
  SplitRule rule;
  rule.separator = optional_text(run, arguments, 0, "sep");
  rule.from_right = kFromRight;
  if (rule.separator && rule.separator->empty())
    run.fail("split: found an empty separator, expected some text");
  const auto most = integer_or(run, arguments, 1, "maxsplit", -1);
  if (most >= 0) rule.most = static_cast<std::size_t>(most);
  run.spend(count_parts(self, rule));
  std::vector<Value> parts;
  for (auto& part : split_text(self, rule)) parts.push_back(Value(std::move(part)));
  return run.list(std::move(parts));
}

Value splitlines(Run& run, const Text& self, Arguments& arguments) {
  std::vector<Value> lines;
  run.spend(self.bytes.size() + 1);
  for (auto& line : split_lines(self, arguments.flag(0, "keepends", false)))
    lines.push_back(Value(std::move(line)));
  return run.list(std::move(lines));
}

/// The part of `self` that start and end arguments (from `index` on) choose, with its offset.
std::pair<std::string_view, std::size_t> window(Run& run, const Text& self,
                                                const Arguments& arguments, std::size_t index) {
  run.spend(self.bytes.size() / kBytesPerStep);
  const auto count = static_cast<std::int64_t>(length_of(self.bytes));
  const auto bound = [&](std::size_t i, std::int64_t otherwise) {
    const Value* value = arguments.find(i, "");
    std::int64_t at = !value || value->is_none() ? otherwise : need_integer(run, *value, "index");
    if (at < 0) at += count;
    return static_cast<std::size_t>(std::clamp<std::int64_t>(at, 0, count));
  };
  const std::size_t begin = offset_of(self.bytes, bound(index, 0));
  const std::size_t end = std::max(begin, offset_of(self.bytes, bound(index + 1, count)));
  return {std::string_view(self.bytes).substr(begin, end - begin), begin};
}

template <bool kIsStart>
Value starts_or_ends(Run& run, const Text& self, Arguments& arguments) {
  const auto [part, offset] = window(run, self, arguments, 1);
  const Value* given = arguments.find(0, "");
  std::vector<Value> choices;
  if (given && given->list() && given->list()->kind == ListKind::kTuple)
    choices = given->list()->items;
  else if (given)
    choices = {*given};
  else
    run.fail("found no argument, expected a text");
  for (const auto& choice : choices) {
    const auto& text = need_text(run, choice, kIsStart ? "startswith" : "endswith").bytes;
    if (kIsStart ? part.starts_with(text) : part.ends_with(text)) return Value(true);
  }
  return Value(false);
}

template <bool kFromRight, bool kMustFind>
Value find_method_of_text(Run& run, const Text& self, Arguments& arguments) {
  const auto [part, offset] = window(run, self, arguments, 1);
  const auto& wanted = required_text(run, arguments, 0).bytes;
  run.spend(self.bytes.size() / 64);
  const auto found = kFromRight ? part.rfind(wanted) : part.find(wanted);
  if (found == std::string_view::npos) {
    if (kMustFind) run.fail(format("index: found no '{}' in the text, expected it there", wanted));
    return Value(std::int64_t{-1});
  }
  return Value::number(length_of(std::string_view(self.bytes).substr(0, offset + found)));
}

Value count_of(Run& run, const Text& self, Arguments& arguments) {
  const auto [part, offset] = window(run, self, arguments, 1);
  const auto& wanted = required_text(run, arguments, 0).bytes;
  run.spend(self.bytes.size() / 16 + 1);
  if (wanted.empty()) return Value::number(length_of(part) + 1);
  std::size_t count = 0;
  for (auto at = part.find(wanted); at != std::string_view::npos;
       at = part.find(wanted, at + wanted.size()))
    ++count;
  return Value::number(count);
}

Value replace_method(Run& run, const Text& self, Arguments& arguments) {
  const auto most = integer_or(run, arguments, 2, "count", -1);
  return replaced_within(run, self,
                         {required_text(run, arguments, 0), required_text(run, arguments, 1),
                          most < 0 ? SIZE_MAX : static_cast<std::size_t>(most)});
}

Value join_method(Run& run, const Text& self, Arguments& arguments) {
  const Value* given = arguments.find(0, "iterable");
  Text result;
  bool is_first = true;
  for (const auto& item : run.iterate(given ? *given : Value(None{}))) {
    if (!is_first) result.append(self);
    result.append(need_text(run, item, "join"));
    is_first = false;
    run.check_size(result.bytes.size());
  }
  return run.text(std::move(result));
}

template <bool kFromRight>
Value partition(Run& run, const Text& self, Arguments& arguments) {
  const auto& separator = required_text(run, arguments, 0).bytes;
  if (separator.empty()) run.fail("partition: found an empty separator, expected some text");
  const auto found = kFromRight ? self.bytes.rfind(separator) : self.bytes.find(separator);
  std::vector<Value> parts;
  if (found == std::string::npos) {
    parts.assign(3, Value(std::string_view()));
    parts[kFromRight ? 2 : 0] = run.text(self);
  } else {
    parts = {run.text(self.part(0, found)), run.text(self.part(found, found + separator.size())),
             run.text(self.part(found + separator.size(), self.bytes.size()))};
  }
  return run.list(std::move(parts), ListKind::kTuple);
}

Value removeprefix(Run& run, const Text& self, Arguments& arguments) {
  const auto& prefix = required_text(run, arguments, 0).bytes;
  if (!self.bytes.starts_with(prefix)) return run.text(self);
  return run.text(self.part(prefix.size(), self.bytes.size()));
}

Value removesuffix(Run& run, const Text& self, Arguments& arguments) {
  const auto& suffix = required_text(run, arguments, 0).bytes;
  if (!self.bytes.ends_with(suffix)) return run.text(self);
  return run.text(self.part(0, self.bytes.size() - suffix.size()));
}

/// ljust, rjust, center, zfill: `left` of the missing characters go in front.
Value padded(Run& run, const Text& self, const Text& fill,
             std::pair<std::size_t, std::size_t> room) {
  const std::size_t missing = room.first + room.second;
  run.check_size(std::max({room.first, room.second, missing * fill.bytes.size()}));
  Text result;
  for (std::size_t i = 0; i < room.first; ++i) result.append(fill);
  result.append(self);
  for (std::size_t i = 0; i < room.second; ++i) result.append(fill);
  return run.text(std::move(result));
}

enum class Align { kLeft, kRight, kCenter };
template <Align kAlign>
Value justify(Run& run, const Text& self, Arguments& arguments) {
  const auto width = need_integer(
      run, arguments.find(0, "width") ? *arguments.find(0, "width") : Value(), "width");
  const Text fill = arguments.find(1, "fillchar") ? required_text(run, arguments, 1) : Text(" ");
  if (length_of(fill.bytes) != 1) run.fail("found a fill of several characters, expected one");
  const auto length = static_cast<std::int64_t>(length_of(self.bytes));
  const auto room = static_cast<std::size_t>(width > length ? width - length : 0);
  if (kAlign == Align::kLeft) return padded(run, self, fill, {0, room});
  if (kAlign == Align::kRight) return padded(run, self, fill, {room, 0});
  const std::size_t before = room / 2 + (room & static_cast<std::size_t>(width) & 1);
  return padded(run, self, fill, {before, room - before});
}

Value zfill(Run& run, const Text& self, Arguments& arguments) {
  const auto width = integer_or(run, arguments, 0, "width", 0);
  const auto length = static_cast<std::int64_t>(length_of(self.bytes));
  const auto room = static_cast<std::size_t>(width > length ? width - length : 0);
  const bool has_sign = !self.empty() && (self.bytes[0] == '-' || self.bytes[0] == '+');
  if (!has_sign) return padded(run, self, Text("0"), {room, 0});
  Text result = self.part(0, 1);
  result.append(*padded(run, self.part(1, self.bytes.size()), Text("0"), {room, 0}).text());
  return run.text(std::move(result));
}

template <Text (*kChange)(const Text&)>
Value changed_self(Run& run, const Text& self, Arguments&) {
  run.spend(self.bytes.size() / 16 + 1);
  return run.text(kChange(self));
}

template <bool (*kTest)(std::string_view)>
Value test(Run& run, const Text& self, Arguments&) {
  run.spend(self.bytes.size() / 16 + 1);
  return Value(kTest(self.bytes));
}

Value format_method(Run& run, const Text& self, Arguments& arguments) {
  return brace_formatted(run, self, arguments);
}

}  // namespace

Value replaced_within(Run& run, const Text& text, const Replacement& replacement) {
  run.spend(text.bytes.size() / 16 + 1);
  std::size_t count = 0;
  const auto& from = replacement.from.bytes;
  if (from.empty()) {
    count = std::min(replacement.most, text.bytes.size() + 1);
  } else {
    for (auto at = text.bytes.find(from); at != std::string::npos && count < replacement.most;
         at = text.bytes.find(from, at + from.size()))
      ++count;
  }
  run.spend(count);
  run.check_size(text.bytes.size() / 2 + count * replacement.to.bytes.size());
  return run.text(replaced(text, from, replacement.to, replacement.most));
}

TextMethod find_text_method(std::string_view name) {
  static const std::map<std::string_view, TextMethod> kMethods = {
      {"capitalize", changed_self<capitalized>},
      {"casefold", changed_self<case_folded>},
      {"center", justify<Align::kCenter>},
      {"count", count_of},
      {"endswith", starts_or_ends<false>},
      {"find", find_method_of_text<false, false>},
      {"format", format_method},
      {"index", find_method_of_text<false, true>},
      {"isalnum", test<is_alphanumeric>},
      {"isalpha", test<is_alphabetic>},
      {"isascii", test<is_ascii>},
      {"isdecimal", test<is_decimal>},
      {"isdigit", test<is_digits>},
      {"islower", test<is_lower_case>},
      {"isnumeric", test<is_numeric>},
      {"isspace", test<is_white>},
      {"istitle", test<is_title_case>},
      {"isupper", test<is_upper_case>},
      {"join", join_method},
      {"ljust", justify<Align::kLeft>},
      {"lower", changed_self<lowered>},
      {"lstrip", strip<Side::kLeft>},
      {"partition", partition<false>},
      {"removeprefix", removeprefix},
      {"removesuffix", removesuffix},
      {"replace", replace_method},
      {"rfind", find_method_of_text<true, false>},
      {"rindex", find_method_of_text<true, true>},
      {"rjust", justify<Align::kRight>},
      {"rpartition", partition<true>},
      {"rsplit", split_method<true>},
      {"rstrip", strip<Side::kRight>},
      {"split", split_method<false>},
      {"splitlines", splitlines},
      {"startswith", starts_or_ends<true>},
      {"strip", strip<Side::kBoth>},
      {"swapcase", changed_self<case_swapped>},
      {"title", changed_self<titled>},
      {"upper", changed_self<uppered>},
      {"zfill", zfill},
  };
  const auto found = kMethods.find(name);
  return found == kMethods.end() ? nullptr : found->second;
}

}  // namespace sqpsych::jinja
