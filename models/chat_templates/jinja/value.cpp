#include "models/chat_templates/jinja/value.h"

#include <algorithm>

#include "models/chat_templates/jinja/run.h"

namespace sqpsych::jinja {
namespace {

const char* name_of(ListKind kind) {
  constexpr const char* kNames[] = {"list",        "tuple",      "range",    "dict_keys",
                                    "dict_values", "dict_items", "generator"};
  return kNames[static_cast<int>(kind)];
}

bool equal_items(const List& left, const List& right) {
  if (left.kind != right.kind || left.items.size() != right.items.size()) return false;
  return std::equal(left.items.begin(), left.items.end(), right.items.begin(),
                    [](const Value& a, const Value& b) { return equal(a, b); });
}

bool equal_entries(const Dict& left, const Dict& right) {
  if (left.entries.size() != right.entries.size()) return false;
  return std::all_of(left.entries.begin(), left.entries.end(), [&](const auto& entry) {
    const Value* other = right.find(entry.first);
    return other && equal(entry.second, *other);
  });
}

bool equal_numbers(const Value& left, const Value& right) {
  if (left.is_float() || right.is_float()) return left.real() == right.real();
  return left.integer() == right.integer();
}

}  // namespace

std::shared_ptr<Object> Value::shared_object() const {
  const auto* shared = std::get_if<std::shared_ptr<Object>>(&data_);
  return shared ? *shared : nullptr;
}

const std::string& Value::what() const {
  static const std::string kNothing = "a value";
  const auto* undefined = std::get_if<Undefined>(&data_);
  return undefined && undefined->what ? *undefined->what : kNothing;
}

std::string Value::type_name() const {
  if (is_undefined()) return "undefined value";
  if (is_none()) return "None";
  if (is_bool()) return "bool";
  if (is_integer()) return "int";
  if (is_float()) return "float";
  if (is_text()) return "str";
  if (list()) return name_of(list()->kind);
  if (dict()) return "dict";
  return object()->type_name();
}

bool Value::truth() const {
  if (is_undefined() || is_none()) return false;
  if (is_number()) return real() != 0;
  if (const auto* value = text()) return !value->empty();
  if (const auto* value = list())
    return value->kind == ListKind::kIterator || !value->items.empty();
  if (const auto* value = dict()) return !value->entries.empty();
  return true;
}

Extent Value::extent() const {
  if (const auto* value = list()) return value->extent;
  if (const auto* value = dict()) return value->extent;
  if (const auto* value = object()) return value->extent();
  return {};
}

void Extent::contain(const Extent& part) {
  constexpr std::size_t kMost = std::size_t{1} << 40;
  depth = std::max(depth, part.depth + 1);
  weight = std::min(kMost, weight + part.weight);
}

bool Value::is_same(const Value& other) const {
  if (data_.index() != other.data_.index()) return false;
  if (text()) return text() == other.text() || text()->bytes == other.text()->bytes;
  if (list()) return list() == other.list();
  if (dict()) return dict() == other.dict();
  if (object()) return object() == other.object();
  return equal(*this, other);
}

const Value* Dict::find(std::string_view key) const {
  for (const auto& [name, value] : entries)
    if (const auto* text = name.text(); text && text->bytes == key) return &value;
  return nullptr;
}

const Value* Dict::find(const Value& key) const {
  if (const auto* text = key.text()) return find(std::string_view(text->bytes));
  for (const auto& [name, value] : entries)
    if (!name.is_text() && equal(name, key)) return &value;
  return nullptr;
}

Value make_list(std::vector<Value> items, ListKind kind) {
  auto list = std::make_shared<List>();
  for (const auto& item : items) list->extent.contain(item.extent());
  list->items = std::move(items);
  list->kind = kind;
  return Value(std::shared_ptr<const List>(std::move(list)));
}

Value make_dict(std::vector<std::pair<Value, Value>> entries, Source source) {
  auto dict = std::make_shared<Dict>();
  dict->source = source;
  for (auto& [key, value] : entries) {
    dict->extent.contain(key.extent());
    dict->extent.contain(value.extent());
    if (const Value* known = dict->find(key))
      *const_cast<Value*>(known) = std::move(value);
    else
      dict->entries.emplace_back(std::move(key), std::move(value));
  }
  return Value(std::shared_ptr<const Dict>(std::move(dict)));
}

Value Object::attribute(Run&, std::string_view name) {
  return Value::undefined(format("attribute '{}' of a {}", name, type_name()));
}

Value Object::call(Run& run, Arguments&) {
  run.fail(format("found a {}, expected something that can be called", type_name()));
}

bool equal(const Value& left, const Value& right) {
  if (left.is_number() && right.is_number()) return equal_numbers(left, right);
  if (left.text() && right.text()) return left.text()->bytes == right.text()->bytes;
  if (left.list() && right.list())
    return left.list() == right.list() || equal_items(*left.list(), *right.list());
  if (left.dict() && right.dict())
    return left.dict() == right.dict() || equal_entries(*left.dict(), *right.dict());
  if (left.object() || right.object()) return left.object() == right.object();
  return (left.is_undefined() && right.is_undefined()) || (left.is_none() && right.is_none());
}

bool is_hashable(const Value& value) {
  if (value.dict()) return false;
  const auto* list = value.list();
  if (!list) return true;
  return list->kind != ListKind::kList &&
         std::all_of(list->items.begin(), list->items.end(), is_hashable);
}

}  // namespace sqpsych::jinja
