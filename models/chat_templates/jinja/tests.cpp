#include "models/chat_templates/jinja/filters.h"
#include "models/chat_templates/jinja/text_cases.h"

namespace sqpsych::jinja {
namespace {

using Predicate = bool (*)(const Value&);

template <Predicate kHolds>
Value holds(Run&, Arguments& arguments) {
  return Value(kHolds(subject(arguments)));
}

const Value& other(Run& run, const Arguments& arguments) {
  if (arguments.positional.size() < 2) run.fail("test: found no argument, expected a value");
  return arguments.positional[1];
}

bool is_defined(const Value& value) { return !value.is_undefined(); }
bool is_undefined(const Value& value) { return value.is_undefined(); }
bool is_none(const Value& value) { return value.is_none(); }
bool is_boolean(const Value& value) { return value.is_bool(); }
bool is_true(const Value& value) { return value.is_bool() && value.boolean(); }
bool is_false(const Value& value) { return value.is_bool() && !value.boolean(); }
bool is_integer(const Value& value) { return value.is_integer(); }
bool is_float(const Value& value) { return value.is_float(); }
bool is_number(const Value& value) { return value.is_number(); }
bool is_string(const Value& value) { return value.is_text(); }
bool is_mapping(const Value& value) { return value.dict() != nullptr; }
bool is_iterable(const Value& value) {
  return value.text() || value.list() || value.dict() || value.is_undefined();
}
bool is_sequence(const Value& value) {
  return value.text() || value.dict() || value.is_undefined() ||
         (value.list() && value.list()->has_items_by_index());
}
bool is_callable(const Value& value) {
  return value.is_undefined() || (value.object() && value.object()->is_callable());
}
bool is_escaped(const Value&) { return false; }

template <bool kOdd>
Value parity(Run& run, Arguments& arguments) {
  const Value rest = arithmetic(run, "%", subject(arguments), Value(std::int64_t{2}));
  return Value(equal(rest, Value(std::int64_t{kOdd})));
}

Value divisible(Run& run, Arguments& arguments) {
  const Value rest = arithmetic(run, "%", subject(arguments), other(run, arguments));
  return Value(equal(rest, Value(std::int64_t{0})));
}

Value is_same(Run& run, Arguments& arguments) {
  return Value(subject(arguments).is_same(other(run, arguments)));
}

template <bool (*kTest)(std::string_view)>
Value text_test(Run& run, Arguments& arguments) {
  return Value(kTest(to_text(run, subject(arguments)).text()->bytes));
}

Value equals(Run& run, Arguments& arguments) {
  return Value(compare(run, "==", subject(arguments), other(run, arguments)));
}
Value differs(Run& run, Arguments& arguments) {
  return Value(compare(run, "!=", subject(arguments), other(run, arguments)));
}
Value is_less(Run& run, Arguments& arguments) {
  return Value(compare(run, "<", subject(arguments), other(run, arguments)));
}
Value is_at_most(Run& run, Arguments& arguments) {
  return Value(compare(run, "<=", subject(arguments), other(run, arguments)));
}
Value is_greater(Run& run, Arguments& arguments) {
  return Value(compare(run, ">", subject(arguments), other(run, arguments)));
}
Value is_at_least(Run& run, Arguments& arguments) {
  return Value(compare(run, ">=", subject(arguments), other(run, arguments)));
}
Value is_in(Run& run, Arguments& arguments) {
  return Value(contains(run, other(run, arguments), subject(arguments)));
}

Value is_filter(Run& run, Arguments& arguments) {
  return Value(find_filter(need_text(run, subject(arguments), "filter").bytes) != nullptr);
}
Value is_test(Run& run, Arguments& arguments) {
  return Value(find_test(need_text(run, subject(arguments), "test").bytes) != nullptr);
}

}  // namespace

Operation find_test(std::string_view name) {
  static const FilterTable kTests = {
      {"!=", differs},
      {"<", is_less},
      {"<=", is_at_most},
      {"==", equals},
      {">", is_greater},
      {">=", is_at_least},
      {"boolean", holds<is_boolean>},
      {"callable", holds<is_callable>},
      {"defined", holds<is_defined>},
      {"divisibleby", divisible},
      {"eq", equals},
      {"equalto", equals},
      {"escaped", holds<is_escaped>},
      {"even", parity<false>},
      {"false", holds<is_false>},
      {"filter", is_filter},
      {"float", holds<is_float>},
      {"ge", is_at_least},
      {"greaterthan", is_greater},
      {"gt", is_greater},
      {"in", is_in},
      {"integer", holds<is_integer>},
      {"iterable", holds<is_iterable>},
      {"le", is_at_most},
      {"lessthan", is_less},
      {"lower", text_test<is_lower_case>},
      {"lt", is_less},
      {"mapping", holds<is_mapping>},
      {"ne", differs},
      {"none", holds<is_none>},
      {"number", holds<is_number>},
      {"odd", parity<true>},
      {"sameas", is_same},
      {"sequence", holds<is_sequence>},
      {"string", holds<is_string>},
      {"test", is_test},
      {"true", holds<is_true>},
      {"undefined", holds<is_undefined>},
      {"upper", text_test<is_upper_case>},
  };
  const auto found = kTests.find(name);
  return found == kTests.end() ? nullptr : found->second;
}

}  // namespace sqpsych::jinja
