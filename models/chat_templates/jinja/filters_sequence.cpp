#include <algorithm>

#include "models/chat_templates/jinja/filters.h"
#include "models/chat_templates/jinja/text_cases.h"

namespace sqpsych::jinja {
namespace {

Value iterator(Run& run, std::vector<Value> items) {
  return run.list(std::move(items), ListKind::kIterator);
}

Value first(Run& run, Arguments& arguments) {
  const Value& value = subject(arguments);
  const List* list = value.list();
  if (list && list->kind == ListKind::kIterator && list->consumed < list->items.size())
    return list->items[list->consumed++];
  const auto items = run.iterate(value);
  return items.empty() ? Value::undefined("the first item of nothing") : items.front();
}

Value last(Run& run, Arguments& arguments) {
  const auto items = run.iterate(subject(arguments));
  return items.empty() ? Value::undefined("the last item of nothing") : items.back();
}

Value length(Run& run, Arguments& arguments) {
  const Value& value = subject(arguments);
  if (value.is_undefined()) return Value(std::int64_t{0});
  if (const Text* text = value.text()) {
    run.spend(text->bytes.size() / kBytesPerStep);
    return Value::number(length_of(text->bytes));
  }
  if (const Dict* dict = value.dict()) return Value::number(dict->entries.size());
  const List* list = value.list();
  if (!list || list->kind == ListKind::kIterator)
    run.fail(format("length: found a {}, expected a text, list or dict", value.type_name()));
  return Value::number(list->items.size());
}

Value list(Run& run, Arguments& arguments) { return run.list(run.iterate(subject(arguments))); }

Value reverse(Run& run, Arguments& arguments) {
  auto items = run.iterate(subject(arguments));
  std::reverse(items.begin(), items.end());
  if (!subject(arguments).text()) return iterator(run, std::move(items));
  Text text;
  for (const auto& item : items) text.append(*item.text());
  return run.text(std::move(text));
}

Value join(Run& run, Arguments& arguments) {
  const Value separator = to_text(run, argument_or(arguments, 1, "d", Value(std::string_view())));
  const Value attribute = argument_or(arguments, 2, "attribute", Value(None{}));
  Text result;
  bool is_first = true;
  for (const auto& item : run.iterate(subject(arguments))) {
    if (!is_first) result.append(*separator.text());
    const Value shown = to_text(run, looked_up(run, item, attribute));
    result.append(*shown.text());
    is_first = false;
    run.check_size(result.bytes.size());
  }
  return run.text(std::move(result));
}

/// `less` on keys that are made once.
Value sorted(Run& run, std::vector<std::pair<Value, Value>> keyed, bool is_descending) {
  run.spend(keyed.size() * 4);
  std::stable_sort(keyed.begin(), keyed.end(), [&](const auto& left, const auto& right) {
    run.spend(1);
    return is_descending ? less(run, right.first, left.first) : less(run, left.first, right.first);
  });
  std::vector<Value> items;
  for (auto& [key, item] : keyed) items.push_back(std::move(item));
  return run.list(std::move(items));
}

/// Several attributes, separated by commas, are compared one after the other.
Value sort_key(Run& run, const Value& item, const Value& attribute, bool is_case_sensitive) {
  if (!attribute.text() || attribute.text()->bytes.find(',') == std::string::npos)
    return comparison_key(run, looked_up(run, item, attribute), is_case_sensitive);
  std::vector<Value> keys;
  for (const auto& path : split(attribute.text()->bytes, ","))
    keys.push_back(comparison_key(run, looked_up(run, item, Value(std::string_view(path))),
                                  is_case_sensitive));
  return run.list(std::move(keys));
}

Value sort(Run& run, Arguments& arguments) {
  const bool is_descending = arguments.flag(1, "reverse", false);
  const bool is_case_sensitive = arguments.flag(2, "case_sensitive", false);
  const Value attribute = argument_or(arguments, 3, "attribute", Value(None{}));
  std::vector<std::pair<Value, Value>> keyed;
  for (auto& item : run.iterate(subject(arguments)))
    keyed.emplace_back(sort_key(run, item, attribute, is_case_sensitive), std::move(item));
  return sorted(run, std::move(keyed), is_descending);
}

Value dictsort(Run& run, Arguments& arguments) {
  const Dict* dict = subject(arguments).dict();
  if (!dict) run.fail("dictsort: found no dict, expected one");
  const bool is_case_sensitive = arguments.flag(1, "case_sensitive", false);
  const Value by = argument_or(arguments, 2, "by", Value(std::string_view("key")));
  const auto& what = need_text(run, by, "dictsort").bytes;
  if (what != "key" && what != "value")
    run.fail(format("dictsort: found by '{}', expected key or value", what));
  std::vector<std::pair<Value, Value>> keyed;
  for (const auto& [key, value] : dict->entries)
    keyed.emplace_back(comparison_key(run, what == "key" ? key : value, is_case_sensitive),
                       run.list({key, value}, ListKind::kTuple));
  return sorted(run, std::move(keyed), arguments.flag(3, "reverse", false));
}

Value unique(Run& run, Arguments& arguments) {
  const bool is_case_sensitive = arguments.flag(1, "case_sensitive", false);
  const Value attribute = argument_or(arguments, 2, "attribute", Value(None{}));
  std::vector<Value> keys;
  std::vector<Value> items;
  for (auto& item : run.iterate(subject(arguments))) {
    Value key = comparison_key(run, looked_up(run, item, attribute), is_case_sensitive);
    const auto same = [&](const Value& known) { return equal(run, known, key); };
    if (std::any_of(keys.begin(), keys.end(), same)) continue;
    keys.push_back(std::move(key));
    items.push_back(std::move(item));
  }
  return iterator(run, std::move(items));
}

template <bool kIsLargest>
Value extreme(Run& run, Arguments& arguments) {
  const bool is_case_sensitive = arguments.flag(1, "case_sensitive", false);
  const Value attribute = argument_or(arguments, 2, "attribute", Value(None{}));
  Value best = Value::undefined("the least or greatest item of nothing");
  Value best_key;
  for (const auto& item : run.iterate(subject(arguments))) {
    Value key = comparison_key(run, looked_up(run, item, attribute), is_case_sensitive);
    if (best_key.is_undefined() ||
        (kIsLargest ? less(run, best_key, key) : less(run, key, best_key))) {
      best = item;
      best_key = std::move(key);
    }
  }
  return best;
}

Value sum(Run& run, Arguments& arguments) {
  const Value attribute = argument_or(arguments, 1, "attribute", Value(None{}));
  Value total = argument_or(arguments, 2, "start", Value(std::int64_t{0}));
  for (const auto& item : run.iterate(subject(arguments)))
    total = arithmetic(run, "+", total, looked_up(run, item, attribute));
  return total;
}

Value items_of_dict(Run& run, Arguments& arguments) {
  const Value& value = subject(arguments);
  std::vector<Value> pairs;
  if (!value.is_undefined() && !value.dict())
    run.fail(format("items: found a {}, expected a dict", value.type_name()));
  if (value.dict())
    for (const auto& [key, item] : value.dict()->entries)
      pairs.push_back(run.list({key, item}, ListKind::kTuple));
  return iterator(run, std::move(pairs));
}

Value batch(Run& run, Arguments& arguments) {
  const auto size = need_integer(run, argument_or(arguments, 1, "linecount", Value()), "batch");
  const Value fill = argument_or(arguments, 2, "fill_with", Value(None{}));
  if (size < 1) run.fail("batch: found a size below 1, expected 1 or more");
  std::vector<Value> rows;
  std::vector<Value> row;
  for (auto& item : run.iterate(subject(arguments))) {
    row.push_back(std::move(item));
    if (static_cast<std::int64_t>(row.size()) == size)
      rows.push_back(run.list(std::exchange(row, {})));
  }
  if (!row.empty() && !fill.is_none()) {
    run.spend(static_cast<std::size_t>(size));
    row.resize(static_cast<std::size_t>(size), fill);
  }
  if (!row.empty()) rows.push_back(run.list(std::move(row)));
  return iterator(run, std::move(rows));
}

Value default_value(Run&, Arguments& arguments) {
  const Value& value = subject(arguments);
  const bool also_empty = arguments.flag(2, "boolean", false);
  if (!value.is_undefined() && (!also_empty || value.truth())) return value;
  return argument_or(arguments, 1, "default_value", Value(std::string_view()));
}

Value attr(Run& run, Arguments& arguments) {
  const Value name = argument_or(arguments, 1, "name", Value());
  const auto& wanted = need_text(run, name, "attr").bytes;
  const Value& value = subject(arguments);
  return value.dict() ? Value::undefined(format("attribute '{}' of a dict", wanted))
                      : run.attribute(value, wanted);
}

}  // namespace

Value looked_up(Run& run, const Value& value, const Value& path) {
  if (path.is_none()) return value;
  if (!path.text()) return run.item(value, path);
  Value found = value;
  for (const auto& part : split(path.text()->bytes, ".")) {
    const bool is_index = !part.empty() && part.size() < 10 &&
                          part.find_first_not_of("0123456789") == std::string::npos;
    found = run.item(
        found, is_index ? Value(std::int64_t{std::stol(part)}) : Value(std::string_view(part)));
  }
  return found;
}

Value comparison_key(Run& run, const Value& value, bool is_case_sensitive) {
  if (is_case_sensitive || !value.text()) return value;
  return run.text(lowered(*value.text()));
}

const FilterTable& sequence_filters() {
  static const FilterTable kFilters = {
      {"attr", attr},
      {"batch", batch},
      {"count", length},
      {"d", default_value},
      {"default", default_value},
      {"dictsort", dictsort},
      {"first", first},
      {"items", items_of_dict},
      {"join", join},
      {"last", last},
      {"length", length},
      {"list", list},
      {"max", extreme<true>},
      {"min", extreme<false>},
      {"reverse", reverse},
      {"sort", sort},
      {"sum", sum},
      {"unique", unique},
  };
  return kFilters;
}

}  // namespace sqpsych::jinja
