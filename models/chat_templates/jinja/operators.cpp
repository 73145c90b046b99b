#include "models/chat_templates/jinja/operators.h"

#include <algorithm>
#include <cmath>

#include "models/chat_templates/jinja/formatting.h"

namespace sqpsych::jinja {
namespace {

std::string described(const Value& value) {
  return value.is_undefined() ? value.what() + " undefined" : "a " + value.type_name();
}

[[noreturn]] void refuse(Run& run, std::string_view symbol, const Value& left, const Value& right) {
  run.fail(format("found {} {} {}, expected values that go together", described(left), symbol,
                  described(right)));
}

[[noreturn]] void overflow(Run& run) {
  run.fail("found a number of more than 64 bits, expected a smaller one");
}

std::int64_t floor_quotient(std::int64_t left, std::int64_t right) {
  const std::int64_t quotient = left / right;
  return left % right != 0 && (left < 0) != (right < 0) ? quotient - 1 : quotient;
}

double floor_remainder(double left, double right) {
  const double rest = std::fmod(left, right);
  if (rest == 0) return std::copysign(0.0, right);
  return (rest < 0) != (right < 0) ? rest + right : rest;
}

/// As CPython's float_floor_div: from the remainder, since left / right may round up to a whole.
double floor_quotient(double left, double right) {
  const double rest = std::fmod(left, right);
  double quotient = (left - rest) / right;
  if (rest != 0 && (rest < 0) != (right < 0)) quotient -= 1;
  return quotient == 0 ? std::copysign(0.0, left / right) : std::round(quotient);
}

std::int64_t floor_remainder(std::int64_t left, std::int64_t right) {
  const std::int64_t rest = left % right;
  return rest != 0 && (rest < 0) != (right < 0) ? rest + right : rest;
}

Value integer_power(Run& run, std::int64_t base, std::int64_t exponent) {
  if (exponent < 0) {
    if (base == 0) run.fail("found 0 to a negative power, expected another base");
    return Value(std::pow(static_cast<double>(base), static_cast<double>(exponent)));
  }
  std::int64_t result = 1;
  for (; exponent > 0; exponent /= 2) {
    if (exponent % 2 == 1 && __builtin_mul_overflow(result, base, &result)) overflow(run);
    if (exponent > 1 && __builtin_mul_overflow(base, base, &base)) overflow(run);
  }
  return Value(result);
}

void need_divisor(Run& run, double divisor) {
  if (divisor == 0) run.fail("found a division by zero, expected another divisor");
}

Value integer_arithmetic(Run& run, std::string_view symbol, std::int64_t left, std::int64_t right) {
  std::int64_t result = 0;
  if (symbol == "+") {
    if (__builtin_add_overflow(left, right, &result)) overflow(run);
  } else if (symbol == "-") {
    if (__builtin_sub_overflow(left, right, &result)) overflow(run);
  } else if (symbol == "*") {
    if (__builtin_mul_overflow(left, right, &result)) overflow(run);
  } else if (symbol == "**") {
    return integer_power(run, left, right);
  } else {
    need_divisor(run, static_cast<double>(right));
    if (symbol == "/") return Value(static_cast<double>(left) / static_cast<double>(right));
    if (left == INT64_MIN && right == -1) {
      if (symbol == "//") overflow(run);
      return Value(std::int64_t{0});
    }
    result = symbol == "//" ? floor_quotient(left, right) : floor_remainder(left, right);
  }
  return Value(result);
}

Value float_arithmetic(Run& run, std::string_view symbol, double left, double right) {
  if (symbol == "+") return Value(left + right);
  if (symbol == "-") return Value(left - right);
  if (symbol == "*") return Value(left * right);
  if (symbol == "**") {
    if (left < 0 && right != std::floor(right))
      run.fail("found a power of a negative number that is no real number, expected another");
    if (left == 0) need_divisor(run, right < 0 ? 0 : 1);
    return Value(std::pow(left, right));
  }
  need_divisor(run, right);
  if (symbol == "/") return Value(left / right);
  if (symbol == "%") return Value(floor_remainder(left, right));
  return Value(floor_quotient(left, right));
}

Value repeated(Run& run, const Value& value, std::int64_t count) {
  const auto times = static_cast<std::size_t>(std::max<std::int64_t>(count, 0));
  if (const Text* text = value.text()) {
    Text result;
    if (text->empty()) return value;
    run.check_size(std::max(times, times * text->bytes.size()));
    for (std::size_t i = 0; i < times; ++i) result.append(*text);
    return run.text(std::move(result));
  }
  const List& list = *value.list();
  std::vector<Value> items;
  for (std::size_t i = 0; i < times && !list.items.empty(); ++i) {
    run.spend(list.items.size());
    items.insert(items.end(), list.items.begin(), list.items.end());
  }
  return run.list(std::move(items), list.kind);
}

bool joins_and_repeats(const Value& value) {
  return value.text() || (value.list() && value.list()->kind <= ListKind::kTuple);
}

/// Sums of texts and lists, repetitions; undefined when the operands are of no such kind.
Value sequence_arithmetic(Run& run, std::string_view symbol, const Value& left,
                          const Value& right) {
  if (symbol == "+" && left.text() && right.text()) {
    Text sum = *left.text();
    sum.append(*right.text());
    return run.text(std::move(sum));
  }
  const bool both = left.list() && right.list() && left.list()->kind == right.list()->kind;
  if (symbol == "+" && both && joins_and_repeats(left)) {
    auto items = left.list()->items;
    items.insert(items.end(), right.list()->items.begin(), right.list()->items.end());
    return run.list(std::move(items), left.list()->kind);
  }
  const auto is_count = [](const Value& value) { return value.is_integer() || value.is_bool(); };
  if (symbol == "*" && joins_and_repeats(left) && is_count(right))
    return repeated(run, left, right.integer());
  if (symbol == "*" && joins_and_repeats(right) && is_count(left))
    return repeated(run, right, left.integer());
  if (symbol == "%" && left.text()) return percent_formatted(run, *left.text(), right);
  return Value();
}

std::int64_t clamped(std::int64_t index, std::int64_t size, bool backwards) {
  if (index < 0) index += size;
  return backwards ? std::clamp<std::int64_t>(index, -1, size - 1)
                   : std::clamp<std::int64_t>(index, 0, size);
}

/// Indices of Python's slice.
std::vector<std::size_t> slice_indices(Run& run, std::size_t size, const SliceBounds& bounds) {
  const auto count = static_cast<std::int64_t>(size);
  const bool backwards = bounds.step < 0;
  std::int64_t at = clamped(bounds.start.value_or(backwards ? count - 1 : 0), count, backwards);
  const std::int64_t stop = bounds.stop ? clamped(*bounds.stop, count, backwards)
                            : backwards ? -1
                                        : count;
  std::vector<std::size_t> indices;
  while (backwards ? at > stop : at < stop) {
    indices.push_back(static_cast<std::size_t>(at));
    if (__builtin_add_overflow(at, bounds.step, &at)) break;
  }
  run.spend(indices.size());
  return indices;
}

}  // namespace

Value arithmetic(Run& run, std::string_view symbol, const Value& left, const Value& right) {
  if (left.is_number() && right.is_number())
    return left.is_float() || right.is_float()
               ? float_arithmetic(run, symbol, left.real(), right.real())
               : integer_arithmetic(run, symbol, left.integer(), right.integer());
  Value result = sequence_arithmetic(run, symbol, left, right);
  if (result.is_undefined()) refuse(run, symbol, left, right);
  return result;
}

Value negative(Run& run, const Value& value) {
  if (value.is_float()) return Value(-value.real());
  if (!value.is_number()) run.fail(format("found -{}, expected a number", described(value)));
  return integer_arithmetic(run, "-", 0, value.integer());
}

bool equal(Run& run, const Value& left, const Value& right) {
  run.spend(std::min(left.extent().weight, right.extent().weight));
  if (left.text() && right.text()) run.spend(left.text()->bytes.size() / 64);
  return equal(left, right);
}

bool less(Run& run, const Value& left, const Value& right) {
  if (left.is_number() && right.is_number())
    return left.is_float() || right.is_float() ? left.real() < right.real()
                                               : left.integer() < right.integer();
  if (left.text() && right.text()) return left.text()->bytes < right.text()->bytes;
  const List* a = left.list();
  const List* b = right.list();
  if (!a || !b || a->kind != b->kind || a->kind > ListKind::kTuple) refuse(run, "<", left, right);
  run.spend(std::min(left.extent().weight, right.extent().weight));
  for (std::size_t i = 0; i < std::min(a->items.size(), b->items.size()); ++i)
    if (!equal(a->items[i], b->items[i])) return less(run, a->items[i], b->items[i]);
  return a->items.size() < b->items.size();
}

bool contains(Run& run, const Value& right, const Value& left) {
  if (const Text* whole = right.text()) {
    run.spend(whole->bytes.size() / 64 + 1);
    if (!left.text()) refuse(run, "in", left, right);
    return whole->bytes.find(left.text()->bytes) != std::string::npos;
  }
  if (const Dict* dict = right.dict()) {
    run.spend(dict->entries.size() + 1);
    if (!is_hashable(left)) refuse(run, "in", left, right);
    return dict->find(left) != nullptr;
  }
  if (!right.list() && !right.is_undefined()) refuse(run, "in", left, right);
  const auto items = run.iterate(right);
  return std::any_of(items.begin(), items.end(),
                     [&](const Value& item) { return equal(run, item, left); });
}

bool compare(Run& run, std::string_view symbol, const Value& left, const Value& right) {
  if (symbol == "==") return equal(run, left, right);
  if (symbol == "!=") return !equal(run, left, right);
  if (symbol == "in") return contains(run, right, left);
  if (symbol == "not in") return !contains(run, right, left);
  if (symbol == "<") return less(run, left, right);
  if (symbol == ">") return less(run, right, left);
  if (symbol == "<=") return less(run, left, right) || equal(run, left, right);
  return less(run, right, left) || equal(run, left, right);
}

Value sliced(Run& run, const Value& value, const SliceBounds& bounds) {
  if (bounds.step == 0) run.fail("found a slice of step 0, expected another step");
  if (const Text* text = value.text()) {
    const auto indices = slice_indices(run, length_of(text->bytes), bounds);
    if (bounds.step == 1) {
      const std::size_t begin = indices.empty() ? 0 : offset_of(text->bytes, indices.front());
      const std::size_t end = indices.empty() ? 0 : offset_of(text->bytes, indices.back() + 1);
      return run.text(text->part(begin, end));
    }
    const auto characters = run.iterate(value);
    Text result;
    for (const auto index : indices) result.append(*characters[index].text());
    return run.text(std::move(result));
  }
  const List* list = value.list();
  if (value.is_undefined())
    run.fail(format("found {} undefined, expected a value with items", value.what()));
  if (!list || !list->has_items_by_index())
    return Value::undefined("a slice of a " + value.type_name());
  std::vector<Value> items;
  for (const auto index : slice_indices(run, list->items.size(), bounds))
    items.push_back(list->items[index]);
  return run.list(std::move(items), list->kind);
}

const Text& need_text(Run& run, const Value& value, std::string_view what) {
  if (!value.text()) run.fail(format("{}: found {}, expected a text", what, described(value)));
  return *value.text();
}

std::int64_t need_integer(Run& run, const Value& value, std::string_view what) {
  if (!value.is_integer() && !value.is_bool())
    run.fail(format("{}: found {}, expected a whole number", what, described(value)));
  return value.integer();
}

}  // namespace sqpsych::jinja
