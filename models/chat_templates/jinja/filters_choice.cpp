#include "models/chat_templates/jinja/filters.h"

/// Filters that use another filter or a test: map, select, reject, selectattr, rejectattr.
namespace sqpsych::jinja {
namespace {

/// Arguments from `from` on, behind a subject that is filled in for every item.
Arguments rest_of(const Arguments& arguments, std::size_t from) {
  Arguments rest;
  rest.positional.emplace_back();
  for (std::size_t i = from; i < arguments.positional.size(); ++i)
    rest.positional.push_back(arguments.positional[i]);
  rest.named = arguments.named;
  return rest;
}

Operation need_operation(Run& run, const Value& name, Operation (*find)(std::string_view),
                         const char* kind) {
  const auto& text = need_text(run, name, kind).bytes;
  const Operation operation = find(text);
  if (!operation) run.fail(format("{} '{}': found no {} of that name", kind, text, kind));
  return operation;
}

Value applied(Run& run, Operation operation, Arguments arguments, const Value& item) {
  const Run::Level level(run);  // map may apply map
  run.spend(arguments.positional.size());
  arguments.positional.front() = item;
  return operation(run, arguments);
}

Value map(Run& run, Arguments& arguments) {
  const auto items = run.iterate(subject(arguments));
  std::vector<Value> results;
  const Value* attribute = arguments.find(SIZE_MAX, "attribute");
  if (arguments.positional.size() < 2) {
    if (!attribute) run.fail("map: found no filter and no attribute, expected one");
    const Value otherwise = argument_or(arguments, SIZE_MAX, "default", Value());
    for (const auto& item : items) {
      Value value = looked_up(run, item, *attribute);
      results.push_back(value.is_undefined() && !otherwise.is_undefined() ? otherwise : value);
    }
  } else {
    const Operation filter = need_operation(run, arguments.positional[1], find_filter, "filter");
    const Arguments rest = rest_of(arguments, 2);
    for (const auto& item : items) results.push_back(applied(run, filter, rest, item));
  }
  return run.list(std::move(results), ListKind::kIterator);
}

/// What select and its kin have in common.
template <bool kByAttribute, bool kKeeps>
Value choose(Run& run, Arguments& arguments) {
  const std::size_t at = kByAttribute ? 2 : 1;
  if (kByAttribute && arguments.positional.size() < 2)
    run.fail("found no attribute, expected its name");
  const Value path = kByAttribute ? arguments.positional[1] : Value(None{});
  const bool has_test = arguments.positional.size() > at;
  const Operation test =
      has_test ? need_operation(run, arguments.positional[at], find_test, "test") : nullptr;
  const Arguments rest = rest_of(arguments, at + 1);
  std::vector<Value> chosen;
  for (const auto& item : run.iterate(subject(arguments))) {
    const Value value = looked_up(run, item, path);
    const bool holds = test ? applied(run, test, rest, value).truth() : value.truth();
    if (holds == kKeeps) chosen.push_back(item);
  }
  return run.list(std::move(chosen), ListKind::kIterator);
}

}  // namespace

const FilterTable& choice_filters() {
  static const FilterTable kFilters = {
      {"map", map},
      {"select", choose<false, true>},
      {"reject", choose<false, false>},
      {"selectattr", choose<true, true>},
      {"rejectattr", choose<true, false>},
  };
  return kFilters;
}

Operation find_filter(std::string_view name) {
  for (const auto* table :
       {&text_filters(), &number_filters(), &sequence_filters(), &choice_filters()})
    if (const auto found = table->find(name); found != table->end()) return found->second;
  return nullptr;
}

}  // namespace sqpsych::jinja
