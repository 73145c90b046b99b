#include <algorithm>
#include <cctype>

#include "models/chat_templates/jinja/characters.h"
#include "models/chat_templates/jinja/filters.h"
#include "models/chat_templates/jinja/formatting.h"
#include "models/chat_templates/jinja/methods.h"
#include "models/chat_templates/jinja/text_cases.h"

namespace sqpsych::jinja {
namespace {

Text subject_text(Run& run, const Arguments& arguments) {
  return *to_text(run, subject(arguments)).text();
}

template <Text (*kChange)(const Text&)>
Value changed_text(Run& run, Arguments& arguments) {
  return run.text(kChange(subject_text(run, arguments)));
}

/// A method of str, on anything that can be printed.
Value through_method(Run& run, Arguments& arguments, const char* name) {
  const Text text = subject_text(run, arguments);
  arguments.positional.erase(arguments.positional.begin());
  return find_text_method(name)(run, text, arguments);
}

Value center(Run& run, Arguments& arguments) {
  if (!arguments.find(1, "width")) arguments.positional.push_back(Value(std::int64_t{80}));
  return through_method(run, arguments, "center");
}

Value trim(Run& run, Arguments& arguments) { return through_method(run, arguments, "strip"); }

Value replace(Run& run, Arguments& arguments) {
  const Value old = argument_or(arguments, 1, "old", Value());
  const Value fresh = argument_or(arguments, 2, "new", Value());
  const Value count = argument_or(arguments, 3, "count", Value(None{}));
  const auto most = count.is_none() ? -1 : need_integer(run, count, "replace");
  const Text text = subject_text(run, arguments);
  const Value from = to_text(run, old);
  const Value to = to_text(run, fresh);
  return replaced_within(
      run, text, {*from.text(), *to.text(), most < 0 ? SIZE_MAX : static_cast<std::size_t>(most)});
}

Value string(Run& run, Arguments& arguments) { return to_text(run, subject(arguments)); }

/// Nothing is escaped in chat templates, so nothing needs to be marked as safe.
Value safe(Run& run, Arguments& arguments) { return to_text(run, subject(arguments)); }

Value escape(Run& run, Arguments& arguments) {
  return run.text(rewritten(subject_text(run, arguments), [](char32_t code, std::string& output) {
    constexpr std::string_view kSpecial = "&<>\"'";
    constexpr const char* kEscapes[] = {"&amp;", "&lt;", "&gt;", "&#34;", "&#39;"};
    const auto found = code < 0x80 ? kSpecial.find(static_cast<char>(code)) : std::string::npos;
    if (found != std::string_view::npos)
      output += kEscapes[found];
    else
      append_utf8(output, code);
  }));
}

Value percent_format(Run& run, Arguments& arguments) {
  const Text pattern = subject_text(run, arguments);
  if (!arguments.named.empty()) {
    std::vector<std::pair<Value, Value>> entries;
    for (const auto& [name, value] : arguments.named)
      entries.emplace_back(Value(std::string_view(name)), value);
    return percent_formatted(run, pattern, run.dict(std::move(entries)));
  }
  arguments.positional.erase(arguments.positional.begin());
  return percent_formatted(run, pattern,
                           run.list(std::move(arguments.positional), ListKind::kTuple));
}

Value indent(Run& run, Arguments& arguments) {
  const Text& text = need_text(run, subject(arguments), "indent");
  const Value width = argument_or(arguments, 1, "width", Value(std::int64_t{4}));
  const bool also_first = arguments.flag(2, "first", false);
  const bool also_blank = arguments.flag(3, "blank", false);
  std::string space;
  if (width.text())
    space = width.text()->bytes;
  else
    space.assign(static_cast<std::size_t>(
                     std::clamp<std::int64_t>(need_integer(run, width, "indent"), 0, 10'000)),
                 ' ');
  Text ended = text;
  ended.append("\n");
  const auto lines = split_lines(ended, false);
  run.spend(text.bytes.size() / 16 + lines.size());
  run.check_size(text.bytes.size() + lines.size() * space.size());
  Text result;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (i > 0) result.append("\n");
    if (i == 0 ? also_first : also_blank || !lines[i].empty()) result.append(space);
    result.append(lines[i]);
  }
  return run.text(std::move(result));
}

Value truncate(Run& run, Arguments& arguments) {
  const Text& text = need_text(run, subject(arguments), "truncate");
  const auto length =
      need_integer(run, argument_or(arguments, 1, "length", Value(std::int64_t{255})), "truncate");
  const bool cuts_words = arguments.flag(2, "killwords", false);
  const Value end_value = argument_or(arguments, 3, "end", Value(std::string_view("...")));
  const Text& end = need_text(run, end_value, "truncate");
  const Value leeway_value = argument_or(arguments, 4, "leeway", Value(None{}));
  const auto leeway = leeway_value.is_none() ? 5 : need_integer(run, leeway_value, "truncate");
  run.spend((text.bytes.size() + end.bytes.size()) / kBytesPerStep);
  const auto end_length = static_cast<std::int64_t>(length_of(end.bytes));
  if (length < end_length || leeway < 0)
    run.fail("truncate: found a length below that of the end, expected a longer one");
  const auto whole = static_cast<std::int64_t>(length_of(text.bytes));
  if (whole - leeway <= length) return run.text(text);
  Text kept = text.part(0, offset_of(text.bytes, static_cast<std::size_t>(length - end_length)));
  const auto space = cuts_words ? std::string::npos : kept.bytes.rfind(' ');
  if (space != std::string::npos) kept = kept.part(0, space);
  kept.append(end);
  return run.text(std::move(kept));
}

/// Capital letters behind white space, hyphens and opening brackets.
Text title_of(const Text& text) {
  return rewritten(text, [is_first = true](char32_t code, std::string& output) mutable {
    const bool separates =
        is_space(code) || code == '-' || code == '(' || code == '{' || code == '[' || code == '<';
    is_first ? append_upper(output, code) : append_lower(output, code);
    is_first = separates;
  });
}

Value urlencode(Run& run, Arguments& arguments) {
  Text result;
  for (const unsigned char byte : subject_text(run, arguments).bytes) {
    const bool is_kept = (byte < 0x80 && std::isalnum(byte)) || byte == '_' || byte == '.' ||
                         byte == '-' || byte == '~' || byte == '/';
    result.append(is_kept ? std::string(1, static_cast<char>(byte)) : format("%{:02X}", byte));
  }
  return run.text(std::move(result));
}

Value wordcount(Run& run, Arguments& arguments) {
  const Text text = subject_text(run, arguments);
  std::size_t count = 0;
  bool is_inside = false;
  for (std::size_t position = 0; position < text.bytes.size();) {
    const char32_t code = next_code_point(text.bytes, position);
    const bool is_word = is_letter(code) || is_number(code) || code == '_';
    count += is_word && !is_inside;
    is_inside = is_word;
  }
  return Value::number(count);
}

std::string text_option(Run& run, const Value& value) {
  return need_text(run, value, "tojson").bytes;
}

Value tojson(Run& run, Arguments& arguments) {
  JsonStyle style;
  style.ensure_ascii = arguments.flag(1, "ensure_ascii", false);
  style.sort_keys = arguments.flag(4, "sort_keys", false);
  const Value indent = argument_or(arguments, 2, "indent", Value(None{}));
  if (!indent.is_none()) {
    style.is_indented = true;
    style.item_separator = ",";
    style.indent = indent.text() ? indent.text()->bytes
                                 : std::string(static_cast<std::size_t>(std::clamp<std::int64_t>(
                                                   need_integer(run, indent, "tojson"), 0, 100)),
                                               ' ');
  }
  const Value separators = argument_or(arguments, 3, "separators", Value(None{}));
  if (!separators.is_none()) {
    const auto both = run.iterate(separators);
    if (both.size() != 2) run.fail("tojson: found no pair of separators, expected two texts");
    style.item_separator = text_option(run, both[0]);
    style.key_separator = text_option(run, both[1]);
  }
  return to_json(run, subject(arguments), style);
}

}  // namespace

const FilterTable& text_filters() {
  static const FilterTable kFilters = {
      {"capitalize", changed_text<capitalized>},
      {"center", center},
      {"e", escape},
      {"escape", escape},
      {"forceescape", escape},
      {"format", percent_format},
      {"indent", indent},
      {"lower", changed_text<lowered>},
      {"replace", replace},
      {"safe", safe},
      {"string", string},
      {"title", changed_text<title_of>},
      {"tojson", tojson},
      {"trim", trim},
      {"truncate", truncate},
      {"upper", changed_text<uppered>},
      {"urlencode", urlencode},
      {"wordcount", wordcount},
  };
  return kFilters;
}

}  // namespace sqpsych::jinja
