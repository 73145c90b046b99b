#include "models/chat_templates/jinja/objects.h"
#include "models/chat_templates/jinja/operators.h"
#include "models/chat_templates/jinja/printing.h"
#include "models/chat_templates/jinja/syntax.h"

namespace sqpsych::jinja {

Arguments CallArguments::evaluate(Run& run) const {
  Arguments values;
  for (const auto& expression : positional) values.positional.push_back(expression->evaluate(run));
  for (const auto& [name, expression] : named)
    values.named.emplace_back(name, expression->evaluate(run));
  if (spread_positional)
    for (auto& value : run.iterate(spread_positional->evaluate(run)))
      values.positional.push_back(std::move(value));
  if (!spread_named) return values;
  const Value more = spread_named->evaluate(run);
  if (!more.dict()) run.fail(format("**: found a {}, expected a dict", more.type_name()));
  for (const auto& [name, value] : more.dict()->entries)
    values.named.emplace_back(need_text(run, name, "a key behind **").bytes, value);
  return values;
}

Value Name::compute(Run& run) const {
  if (const Value* value = run.scope->find(name)) return *value;
  if (const Value* value = find_global(name)) return *value;
  return Value::undefined(format("'{}'", name));
}

Value ListLiteral::compute(Run& run) const {
  std::vector<Value> values;
  for (const auto& item : items) values.push_back(item->evaluate(run));
  run.at(place);
  return run.list(std::move(values), kind);
}

Value DictLiteral::compute(Run& run) const {
  std::vector<std::pair<Value, Value>> values;
  for (const auto& [key, value] : entries) {
    Value computed_key = key->evaluate(run);
    values.emplace_back(std::move(computed_key), value->evaluate(run));
  }
  run.at(place);
  return run.dict(std::move(values));
}

Value Unary::compute(Run& run) const {
  const Value value = operand->evaluate(run);
  run.at(place);
  if (symbol == '!') return Value(!value.truth());
  if (symbol == '-') return negative(run, value);
  return arithmetic(run, "+", Value(std::int64_t{0}), value);
}

Value Arithmetic::compute(Run& run) const {
  const Value first = left->evaluate(run);
  const Value second = right->evaluate(run);
  run.at(place);
  return arithmetic(run, symbol, first, second);
}

Value Logic::compute(Run& run) const {
  Value first = left->evaluate(run);
  return first.truth() == is_and ? right->evaluate(run) : first;
}

Value Comparison::compute(Run& run) const {
  Value left = first->evaluate(run);
  for (const auto& [symbol, expression] : rest) {
    Value right = expression->evaluate(run);
    run.at(place);
    if (!compare(run, symbol, left, right)) return Value(false);
    left = std::move(right);
  }
  return Value(true);
}

Value Concatenation::compute(Run& run) const {
  Text result;
  for (const auto& part : parts) {
    const Value value = part->evaluate(run);
    run.at(place);
    result.append(*to_text(run, value).text());
    run.check_size(result.bytes.size());
  }
  return run.text(std::move(result));
}

Value Conditional::compute(Run& run) const {
  if (test->evaluate(run).truth()) return then->evaluate(run);
  if (otherwise) return otherwise->evaluate(run);
  return Value::undefined("the value of an 'if' without 'else'");
}

Value AttributeAccess::compute(Run& run) const {
  const Value value = object->evaluate(run);
  run.at(place);
  return run.attribute(value, name);
}

Value ItemAccess::compute(Run& run) const {
  const Value value = object->evaluate(run);
  const Value index = key->evaluate(run);
  run.at(place);
  return run.item(value, index);
}

Value Slice::compute(Run& run) const {
  const Value value = object->evaluate(run);
  const auto bound = [&](const ExpressionPtr& expression) -> std::optional<std::int64_t> {
    const Value number = expression ? expression->evaluate(run) : Value(None{});
    run.at(place);
    if (number.is_none()) return std::nullopt;
    return need_integer(run, number, "slice");
  };
  SliceBounds bounds;
  bounds.start = bound(start);
  bounds.stop = bound(stop);
  bounds.step = bound(step).value_or(1);
  run.at(place);
  return sliced(run, value, bounds);
}

Value Call::compute(Run& run) const {
  const Value function = callee->evaluate(run);
  Arguments values = arguments.evaluate(run);
  run.at(place);
  return run.call(function, values);
}

Value FilterUse::compute(Run& run) const { return apply(run, input->evaluate(run)); }

Value FilterUse::apply(Run& run, Value value) const {
  Arguments values = arguments.evaluate(run);
  run.at(place);
  if (!operation) run.fail(format("filter '{}': found no filter of that name", name));
  values.positional.insert(values.positional.begin(), std::move(value));
  return operation(run, values);
}

Value TestUse::compute(Run& run) const {
  Value value = input->evaluate(run);
  Arguments values = arguments.evaluate(run);
  run.at(place);
  if (!operation) run.fail(format("test '{}': found no test of that name", name));
  values.positional.insert(values.positional.begin(), std::move(value));
  return operation(run, values);
}

}  // namespace sqpsych::jinja
