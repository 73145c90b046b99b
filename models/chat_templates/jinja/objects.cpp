#include "models/chat_templates/jinja/objects.h"

#include <algorithm>

#include "models/chat_templates/jinja/operators.h"

namespace sqpsych::jinja {

Value Namespace::attribute(Run&, std::string_view name) {
  for (const auto& [known, value] : members_)
    if (known == name) return value;
  return Value::undefined(format("attribute '{}' of a namespace", name));
}

void Namespace::set(const std::string& name, Value value) {
  for (auto& [known, old] : members_)
    if (known == name) return void(old = std::move(value));
  members_.emplace_back(name, std::move(value));
}

Loop::Loop(std::vector<Value> items) : items_(std::move(items)) {
  for (const auto& item : items_) extent_.contain(item.extent());
}

Value Loop::attribute(Run& run, std::string_view name) {
  const std::size_t count = items_.size();
  if (name == "index") return Value::number(index + 1);
  if (name == "index0") return Value::number(index);
  if (name == "revindex") return Value::number(count - index);
  if (name == "revindex0") return Value::number(count - index - 1);
  if (name == "first") return Value(index == 0);
  if (name == "last") return Value(index + 1 == count);
  if (name == "length") return Value::number(count);
  if (name == "depth") return Value::number(1);
  if (name == "depth0") return Value::number(0);
  if (name == "previtem")
    return index > 0 ? items_[index - 1] : Value::undefined("the item before the first");
  if (name == "nextitem")
    return index + 1 < count ? items_[index + 1] : Value::undefined("the item behind the last");
  if (name == "cycle")
    return make_function("loop.cycle", [at = index](Run& inner, Arguments& arguments) {
      if (arguments.positional.empty()) inner.fail("loop.cycle: found no values, expected some");
      return arguments.positional[at % arguments.positional.size()];
    });
  if (name == "changed")
    return make_function("loop.changed",
                         [loop = weak_from_this()](Run& inner, Arguments& arguments) {
                           const auto alive = loop.lock();
                           if (!alive)
                             inner.fail("loop.changed: found no loop around, expected one");
                           return Value(alive->changed(inner, arguments.positional));
                         });
  return Object::attribute(run, name);
}

bool Loop::changed(Run& run, const std::vector<Value>& values) {
  const auto same = [&](const Value& left, const Value& right) { return equal(run, left, right); };
  if (seen_ && seen_->size() == values.size() &&
      std::equal(seen_->begin(), seen_->end(), values.begin(), same))
    return false;
  for (const auto& value : values)
    if (value.object()) run.fail("loop.changed: found an object, expected plain values");
  seen_ = values;
  return true;
}

Value make_function(std::string name, Function::Body body) {
  return Value(
      std::shared_ptr<Object>(std::make_shared<Function>(std::move(name), std::move(body))));
}

}  // namespace sqpsych::jinja
