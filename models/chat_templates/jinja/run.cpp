#include "models/chat_templates/jinja/run.h"

#include <algorithm>

#include "models/chat_templates/jinja/objects.h"
#include "models/chat_templates/jinja/printing.h"

namespace sqpsych::jinja {
namespace {

constexpr std::size_t kStepsPerKept = 16;
constexpr std::size_t kMaxWeight = 4'000'000;

/// Index from the end when negative; npos when out of range.
std::size_t place_of(std::int64_t index, std::size_t size) {
  const auto count = static_cast<std::int64_t>(size);
  if (index < 0) index += count;
  return index < 0 || index >= count ? std::string::npos : static_cast<std::size_t>(index);
}

Value missing_item(const Value& object, const Value& key) {
  const std::string shown = key.text()         ? format("'{}'", key.text()->bytes)
                            : key.is_integer() ? format("{}", key.integer())
                                               : "of type " + key.type_name();
  return Value::undefined(format("item {} of a {}", shown, object.type_name()));
}

}  // namespace

void Scope::set(std::string_view name, Value value) {
  for (auto& [known, old] : variables_)
    if (known == name) return void(old = std::move(value));
  variables_.emplace_back(name, std::move(value));
}

const Value* Scope::find(std::string_view name) const {
  for (const Scope* level = this; level; level = level->around_.get())
    for (const auto& [known, value] : level->variables_)
      if (known == name) return &value;
  return nullptr;
}

const Value* Arguments::find(std::size_t index, std::string_view name) const {
  if (index < positional.size()) return &positional[index];
  for (const auto& [known, value] : named)
    if (known == name) return &value;
  return nullptr;
}

bool Arguments::flag(std::size_t index, std::string_view name, bool otherwise) const {
  const Value* value = find(index, name);
  return value ? value->truth() : otherwise;
}

Run::~Run() {
  for (auto& space : spaces_) space->clear();
}

void Run::fail(const std::string& problem) const {
  throw TemplateError(
      format("{}: line {}, column {}: {}.", name_, place_.line, place_.column, problem));
}

void Run::refuse(const std::string& message) const {
  Source source = last_source_;
  for (const Source loop : loop_sources)
    if (loop != 0) source = loop;
  throw TemplateRefusal(format("{}: line {}, column {}", name_, place_.line, place_.column),
                        message, source);
}

void Run::fail_for_steps() const {
  fail(format("found more than {} steps, expected an end. Is this an endless loop?",
              limits_.max_steps));
}

void Run::fail_for_depth() const {
  fail(
      format("found more than {} nested evaluations or values, expected fewer", limits_.max_depth));
}

void Run::check(const Extent& extent) const {
  if (extent.depth > limits_.max_depth) fail_for_depth();
  if (extent.weight > kMaxWeight)
    fail(format("found a value of more than {} parts, expected fewer", kMaxWeight));
}

void Run::check_size(std::size_t bytes) const {
  if (bytes > limits_.max_text_bytes)
    fail(format("found a text of more than {} bytes, expected a shorter one",
                limits_.max_text_bytes));
}

Value Run::text(Text text) {
  check_size(text.bytes.size());
  spend(text.bytes.size() / kBytesPerStep + text.marks.size() + 1);
  return Value(std::move(text));
}

Value Run::list(std::vector<Value> items, ListKind kind) {
  spend(items.size() + 1);
  Value value = make_list(std::move(items), kind);
  check(value.extent());
  return value;
}

Value Run::dict(std::vector<std::pair<Value, Value>> entries) {
  spend(entries.size() * (entries.size() / 8 + 1) + 1);
  for (const auto& [key, value] : entries) {
    spend(key.extent().weight);
    if (!is_hashable(key))
      fail(format("found a {} as a dict's key, expected a text or number", key.type_name()));
  }
  Value value = make_dict(std::move(entries));
  check(value.extent());
  return value;
}

void Run::write(const Value& value) {
  const Text* text = value.text();
  if (text) spend(text->bytes.size() / kBytesPerStep + 1);
  output_.append(text ? *text : *to_text(*this, value).text());
  check_size(output_.bytes.size());
}

void Run::write(std::string_view text) {
  spend(text.size() / kBytesPerStep + 1);
  output_.append(text);
  check_size(output_.bytes.size());
}

Text Run::capture(std::shared_ptr<Scope> inner, const std::function<void()>& body) {
  std::swap(scope, inner);
  Text outside = std::move(output_);
  output_ = Text();
  body();
  std::swap(scope, inner);
  std::swap(output_, outside);
  return outside;
}

void Run::keep(std::shared_ptr<Scope> closure) {
  spend(kStepsPerKept);
  closures_.push_back(std::move(closure));
}

void Run::keep(std::shared_ptr<Namespace> space) {
  spend(kStepsPerKept);
  spaces_.push_back(std::move(space));
}

Value Run::attribute(const Value& object, std::string_view name) {
  if (object.is_undefined())
    fail(format("'{}': found {} undefined, expected a value with that attribute", name,
                object.what()));
  if (object.object()) return object.object()->attribute(*this, name);
  if (const Value method = find_method(object, name); !method.is_undefined()) return method;
  if (const Dict* dict = object.dict()) {
    note_source(*dict);
    if (const Value* value = dict->find(name)) return *value;
  }
  return Value::undefined(format("attribute '{}' of a {}", name, object.type_name()));
}

Value Run::item(const Value& object, const Value& key) {
  if (object.is_undefined())
    fail(format("found {} undefined, expected a value with items", object.what()));
  if (const Dict* dict = object.dict()) {
    note_source(*dict);
    spend(dict->entries.size() / 8 + key.extent().weight);
    if (const Value* value = dict->find(key)) return *value;
  }
  const bool is_index = key.is_integer() || key.is_bool();
  if (const List* list = object.list(); list && is_index && list->has_items_by_index()) {
    const auto place = place_of(key.integer(), list->items.size());
    if (place == std::string::npos) return missing_item(object, key);
    if (const Dict* dict = list->items[place].dict()) note_source(*dict);
    return list->items[place];
  }
  if (const Text* whole = object.text(); whole && is_index) {
    spend(whole->bytes.size() / kBytesPerStep);
    const auto place = place_of(key.integer(), length_of(whole->bytes));
    if (place == std::string::npos) return missing_item(object, key);
    const auto begin = offset_of(whole->bytes, place);
    return text(
        whole->part(begin, begin + utf8_length(static_cast<unsigned char>(whole->bytes[begin]))));
  }
  if (const Text* name = key.text()) {
    if (object.object()) return object.object()->attribute(*this, name->bytes);
    if (const Value method = find_method(object, name->bytes); !method.is_undefined())
      return method;
  }
  return missing_item(object, key);
}

Value Run::call(const Value& callee, Arguments& arguments) {
  if (callee.is_undefined())
    fail(format("found {} undefined, expected something that can be called", callee.what()));
  const auto object = callee.shared_object();
  if (!object || !object->is_callable())
    fail(format("found a {}, expected something that can be called", callee.type_name()));
  const Level level(*this);
  return object->call(*this, arguments);
}

std::vector<Value> Run::iterate(const Value& value) {
  std::vector<Value> items;
  if (value.is_undefined()) return items;
  if (const List* list = value.list()) {
    items.assign(list->items.begin() + static_cast<std::ptrdiff_t>(list->consumed),
                 list->items.end());
    if (list->kind == ListKind::kIterator) list->consumed = list->items.size();
  } else if (const Dict* dict = value.dict()) {
    for (const auto& entry : dict->entries) items.push_back(entry.first);
  } else if (const Text* whole = value.text()) {
    spend(whole->bytes.size() + 1);
    for (std::size_t begin = 0; begin < whole->bytes.size();) {
      const auto end = begin + utf8_length(static_cast<unsigned char>(whole->bytes[begin]));
      items.push_back(Value(whole->part(begin, end)));
      begin = end;
    }
  } else {
    fail(format("found a {}, expected something to iterate over", value.type_name()));
  }
  spend(items.size() + 1);
  return items;
}

}  // namespace sqpsych::jinja
