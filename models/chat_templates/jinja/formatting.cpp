#include <algorithm>
#include <cmath>
#include <optional>

#include "models/chat_templates/jinja/formatting.h"
#include "models/chat_templates/jinja/operators.h"
#include "models/chat_templates/jinja/printing.h"

namespace sqpsych::jinja {
namespace {

constexpr std::size_t kMostWidth = 10'000;

/// Fill and width of a conversion; precision is -1 when not given.
struct Layout {
  bool is_left = false, has_plus = false, has_zeros = false, has_space = false;
  std::size_t width = 0;
  int precision = -1;
};

void pad(const Layout& layout, const Text& text, bool is_number, Text& result) {
  const std::size_t length = length_of(text.bytes);
  const std::string fill(layout.width > length ? layout.width - length : 0,
                         is_number && layout.has_zeros && !layout.is_left ? '0' : ' ');
  const bool has_sign = !text.empty() && (text.bytes[0] == '-' || text.bytes[0] == '+');
  if (layout.is_left) {
    result.append(text);
    result.append(fill);
  } else if (!fill.empty() && fill[0] == '0' && has_sign) {
    result.append(text.part(0, 1));
    result.append(fill);
    result.append(text.part(1, text.bytes.size()));
  } else {
    result.append(fill);
    result.append(text);
  }
}

std::string number_text(Run& run, char kind, const Layout& layout, const Value& value) {
  if (!value.is_number())
    run.fail(format("%{}: found a {}, expected a number", kind, value.type_name()));
  std::string shown;
  if (kind == 'd' || kind == 'i' || kind == 'u') {
    if (value.is_float() && !(std::abs(value.real()) < 9e18))
      run.fail("%d: found a number of more than 64 bits, expected a smaller one");
    shown = std::to_string(value.is_float() ? static_cast<std::int64_t>(value.real())
                                            : value.integer());
  } else if (kind == 'x' || kind == 'X' || kind == 'o') {
    const std::int64_t number = need_integer(run, value, "%x");
    const auto size =
        number < 0 ? 0 - static_cast<std::uint64_t>(number) : static_cast<std::uint64_t>(number);
    shown = (number < 0 ? "-" : "") + (kind == 'x'   ? format("{:x}", size)
                                       : kind == 'X' ? format("{:X}", size)
                                                     : format("{:o}", size));
  } else {
    const int precision = layout.precision < 0 ? 6 : layout.precision;
    shown = kind == 'f' || kind == 'F' ? format("{:.{}f}", value.real(), precision)
            : kind == 'e'              ? format("{:.{}e}", value.real(), precision)
                                       : format("{:.{}g}", value.real(), precision);
  }
  if (shown[0] != '-' && (layout.has_plus || layout.has_space))
    shown.insert(0, layout.has_plus ? "+" : " ");
  return shown;
}

/// Reads one `%...` and knows which value is next.
class PercentFormatter {
 public:
  PercentFormatter(Run& run, const Text& pattern, const Value& values)
      : run_(run), pattern_(pattern), values_(values) {
    const List* list = values.list();
    is_tuple_ = list && list->kind == ListKind::kTuple;
  }

  Value write() {
    while (position_ < pattern_.bytes.size()) {
      const auto next = std::min(pattern_.bytes.find('%', position_), pattern_.bytes.size());
      result_.append(pattern_.part(position_, next));
      position_ = next;
      if (position_ < pattern_.bytes.size()) write_conversion();
    }
    const bool is_used_up = is_tuple_ ? used_ == values_.list()->items.size()
                                      : used_ == 1 || values_.dict() || values_.list();
    if (!is_used_up) run_.fail("%: found more values than conversions, expected as many");
    return run_.text(std::move(result_));
  }

 private:
  char take() {
    if (++position_ >= pattern_.bytes.size())
      run_.fail("%: found a conversion that is cut short, expected one such as %s");
    return pattern_.bytes[position_];
  }

  void write_conversion() {
    char c = take();
    if (c == '%') return result_.append("%"), void(++position_);
    std::optional<Value> named;
    if (c == '(') {
      const auto end = pattern_.bytes.find(')', position_);
      if (end == std::string::npos || !values_.dict())
        run_.fail("%(: found no name or no dict, expected both");
      const Value* value =
          values_.dict()->find(pattern_.bytes.substr(position_ + 1, end - position_ - 1));
      if (!value) run_.fail("%(: found a name that the dict lacks, expected one of its keys");
      named = *value;
      position_ = end;
      c = take();
    }
    const Layout layout = read_layout(c);
    while (c == 'l' || c == 'h') c = take();
    ++position_;
    write_value(c, layout, named ? *named : next_value());
  }

  Layout read_layout(char& c) {
    Layout layout;
    for (;; c = take()) {
      if (c == '-')
        layout.is_left = true;
      else if (c == '+')
        layout.has_plus = true;
      else if (c == '0')
        layout.has_zeros = true;
      else if (c == ' ')
        layout.has_space = true;
      else if (c != '#')
        break;
    }
    layout.width = read_number(c);
    if (c != '.') return layout;
    c = take();
    layout.precision = static_cast<int>(read_number(c));
    return layout;
  }

  std::size_t read_number(char& c) {
    std::size_t number = 0;
    for (; c >= '0' && c <= '9'; c = take()) {
      number = number * 10 + static_cast<std::size_t>(c - '0');
      if (number > kMostWidth)
        run_.fail(format("%: found a width beyond {}, expected less", kMostWidth));
    }
    return number;
  }

  Value next_value() {
    if (!is_tuple_) {
      if (used_++ > 0) run_.fail("%: found too few values, expected one for every conversion");
      return values_;
    }
    if (used_ >= values_.list()->items.size())
      run_.fail("%: found too few values, expected one for every conversion");
    return values_.list()->items[used_++];
  }

  void write_value(char kind, const Layout& layout, const Value& value) {
    run_.spend(layout.width / kBytesPerStep + 1);
    run_.check_size(result_.bytes.size());
    if (kind == 's' || kind == 'r') {
      Text text = kind == 's' ? *to_text(run_, value).text() : *to_repr(run_, value).text();
      if (layout.precision >= 0)
        text = text.part(0, offset_of(text.bytes, static_cast<std::size_t>(layout.precision)));
      return pad(layout, text, false, result_);
    }
    constexpr std::string_view kNumbers = "diuxXofFeEgG";
    if (kNumbers.find(kind) == std::string_view::npos)
      run_.fail(format("%: found the conversion '{}', expected one of s r d x o f e g", kind));
    pad(layout, Text(number_text(run_, kind, layout, value)), true, result_);
  }

  Run& run_;
  const Text& pattern_;
  const Value& values_;
  bool is_tuple_ = false;
  std::size_t position_ = 0;
  std::size_t used_ = 0;
  Text result_;
};

/// The value that `{}`, `{2}` or `{name}` asks for.
const Value* field_value(const std::string& field, const Arguments& arguments, std::size_t& next) {
  const bool is_index =
      field.find_first_not_of("0123456789") == std::string::npos && field.size() < 6;
  if (!is_index) return arguments.find(arguments.positional.size(), field);
  const std::size_t index = field.empty() ? next++ : std::stoul(field);
  return index < arguments.positional.size() ? &arguments.positional[index] : nullptr;
}

}  // namespace

Value percent_formatted(Run& run, const Text& pattern, const Value& values) {
  return PercentFormatter(run, pattern, values).write();
}

Value brace_formatted(Run& run, const Text& pattern, const Arguments& arguments) {
  Text result;
  std::size_t next = 0;
  const std::string& bytes = pattern.bytes;
  for (std::size_t i = 0; i < bytes.size();) {
    const std::size_t brace = std::min(bytes.find_first_of("{}", i), bytes.size());
    result.append(pattern.part(i, brace));
    i = brace;
    if (i == bytes.size()) break;
    if (i + 1 < bytes.size() && bytes[i + 1] == bytes[i]) {
      result.append(pattern.part(i, i + 1));
      i += 2;
      continue;
    }
    const std::size_t end = bytes.find('}', i);
    if (bytes[i] == '}' || end == std::string::npos)
      run.fail("format: found a single brace, expected {} or a doubled one");
    const std::string field = bytes.substr(i + 1, end - i - 1);
    if (field.find_first_of(".[:!{") != std::string::npos)
      run.fail(format("format: found the field '{}', expected {{}}, a number or a name", field));
    const Value* value = field_value(field, arguments, next);
    if (!value) run.fail(format("format: found no value for the field '{}', expected one", field));
    run.spend(1);
    result.append(*to_text(run, *value).text());
    run.check_size(result.bytes.size());
    i = end + 1;
  }
  return run.text(std::move(result));
}

}  // namespace sqpsych::jinja
