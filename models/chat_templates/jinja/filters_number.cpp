#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <optional>

#include "models/chat_templates/jinja/filters.h"

namespace sqpsych::jinja {
namespace {

/// Digits as Python's int() and float() take them: stripped, single underscores inside.
std::optional<std::string> plain_digits(const Text& text) {
  const std::string stripped_text = stripped(text, nullptr, Side::kBoth).bytes;
  std::string digits;
  for (std::size_t i = 0; i < stripped_text.size(); ++i) {
    if (stripped_text[i] != '_') {
      digits += stripped_text[i];
      continue;
    }
    const bool is_between = i > 0 && i + 1 < stripped_text.size() &&
                            std::isalnum(static_cast<unsigned char>(stripped_text[i - 1])) &&
                            std::isalnum(static_cast<unsigned char>(stripped_text[i + 1]));
    if (!is_between) return std::nullopt;
  }
  if (digits.starts_with('+')) digits.erase(0, 1);
  return digits.starts_with('+') ? std::nullopt : std::optional(digits);
}

std::optional<std::int64_t> integer_in(std::string digits, int base) {
  const bool is_negative = digits.starts_with('-');
  const std::size_t start = is_negative ? 1 : 0;
  const char prefix = base == 16 ? 'x' : base == 8 ? 'o' : base == 2 ? 'b' : '\0';
  if (prefix && digits.size() > start + 2 && digits[start] == '0' &&
      (digits[start + 1] | 0x20) == prefix)
    digits.erase(start, 2);
  std::int64_t number = 0;
  const char* end = digits.data() + digits.size();
  const auto parsed = std::from_chars(digits.data(), end, number, base);
  if (parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return number;
}

std::optional<double> float_in(const std::string& digits) {
  double number = 0;
  const char* end = digits.data() + digits.size();
  const auto parsed = std::from_chars(digits.data(), end, number);
  const bool is_out_of_range = parsed.ec == std::errc::result_out_of_range;
  if ((parsed.ec != std::errc() && !is_out_of_range) || parsed.ptr != end) return std::nullopt;
  return is_out_of_range ? std::strtod(digits.c_str(), nullptr) : number;
}

std::optional<Value> truncated(double number) {
  if (!(std::abs(number) < 9.2e18)) return std::nullopt;
  return Value(static_cast<std::int64_t>(number));
}

Value to_integer(Run& run, Arguments& arguments) {
  const Value& value = subject(arguments);
  const Value otherwise = argument_or(arguments, 1, "default", Value(std::int64_t{0}));
  const auto base =
      need_integer(run, argument_or(arguments, 2, "base", Value(std::int64_t{10})), "int");
  if (value.is_undefined()) run.fail(format("int: found {} undefined", value.what()));
  if (base < 2 || base > 36) run.fail("int: found a base outside 2 to 36, expected one of these");
  if (value.is_float()) return truncated(value.real()).value_or(otherwise);
  if (value.is_number()) return Value(value.integer());
  if (!value.text()) return otherwise;
  const auto digits = plain_digits(*value.text());
  if (!digits) return otherwise;
  if (const auto number = integer_in(*digits, static_cast<int>(base))) return Value(*number);
  const auto number = float_in(*digits);
  return number ? truncated(*number).value_or(otherwise) : otherwise;
}

Value to_float(Run& run, Arguments& arguments) {
  const Value& value = subject(arguments);
  if (value.is_undefined()) run.fail(format("float: found {} undefined", value.what()));
  if (value.is_number()) return Value(value.real());
  const auto digits = value.text() ? plain_digits(*value.text()) : std::nullopt;
  const auto number = digits ? float_in(*digits) : std::nullopt;
  return number ? Value(*number) : argument_or(arguments, 1, "default", Value(0.0));
}

Value absolute(Run& run, Arguments& arguments) {
  const Value& value = subject(arguments);
  if (!value.is_number()) run.fail(format("abs: found a {}, expected a number", value.type_name()));
  if (value.is_float()) return Value(std::abs(value.real()));
  return value.integer() < 0 ? negative(run, value) : Value(value.integer());
}

Value round(Run& run, Arguments& arguments) {
  const Value& value = subject(arguments);
  if (!value.is_number())
    run.fail(format("round: found a {}, expected a number", value.type_name()));
  const auto precision =
      need_integer(run, argument_or(arguments, 1, "precision", Value(std::int64_t{0})), "round");
  if (precision < 0 || precision > 15)
    run.fail(format("round: found the precision {}, expected 0 to 15", precision));
  const Value method_value = argument_or(arguments, 2, "method", Value(std::string_view("common")));
  const auto& method = need_text(run, method_value, "round").bytes;
  if (method == "common") {
    if (!value.is_float()) return Value(value.integer());
    if (!std::isfinite(value.real())) return value;
    return Value(std::strtod(format("{:.{}f}", value.real(), precision).c_str(), nullptr));
  }
  if (method != "ceil" && method != "floor")
    run.fail(format("round: found the method '{}', expected common, ceil or floor", method));
  const double scale = std::pow(10.0, static_cast<double>(precision));
  const double scaled = value.real() * scale;
  return Value((method == "ceil" ? std::ceil(scaled) : std::floor(scaled)) / scale);
}

}  // namespace

const FilterTable& number_filters() {
  static const FilterTable kFilters = {
      {"abs", absolute}, {"float", to_float}, {"int", to_integer}, {"round", round}};
  return kFilters;
}

}  // namespace sqpsych::jinja
