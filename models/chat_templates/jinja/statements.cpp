#include <algorithm>

#include "models/chat_templates/jinja/objects.h"
#include "models/chat_templates/jinja/syntax.h"

namespace sqpsych::jinja {
namespace {

Value filtered(Run& run, const std::vector<std::unique_ptr<const FilterUse>>& filters, Text text) {
  Value value = run.text(std::move(text));
  for (const auto& filter : filters) value = filter->apply(run, std::move(value));
  return value;
}

std::shared_ptr<Scope> inner_scope(const Run& run) { return std::make_shared<Scope>(run.scope); }

/// A macro or the body of a call block, with the scope it was written in.
class Macro : public Object {
 public:
  Macro(const MacroBody& body, const std::shared_ptr<Scope>& closure)
      : body_(body), closure_(closure) {}

  std::string type_name() const override { return "macro " + body_.name; }
  bool is_callable() const override { return true; }

  Value attribute(Run& run, std::string_view name) override {
    if (name == "name") return Value(std::string_view(body_.name));
    return Object::attribute(run, name);
  }

  Value call(Run& run, Arguments& arguments) override {
    auto scope = std::make_shared<Scope>(closure_.lock());
    bind(run, arguments, *scope);
    Text text = run.capture(scope, [&] {
      bind_defaults(run, *scope);
      body_.body.execute(run);
    });
    return run.text(std::move(text));
  }

 private:
  void bind(Run& run, Arguments& arguments, Scope& scope) const {
    const auto& parameters = body_.parameters;
    const std::size_t given = std::min(arguments.positional.size(), parameters.size());
    for (std::size_t i = 0; i < given; ++i) scope.set(parameters[i].first, arguments.positional[i]);
    bind_rest(run, arguments, scope);
    std::vector<std::pair<Value, Value>> others;
    for (auto& [name, value] : arguments.named) {
      const auto parameter =
          std::find_if(parameters.begin(), parameters.end(),
                       [&key = name](const auto& entry) { return entry.first == key; });
      const bool is_caller = name == "caller" && body_.uses_caller;
      if (parameter != parameters.end() &&
          static_cast<std::size_t>(parameter - parameters.begin()) < given)
        run.fail(format("macro '{}': found two values for '{}', expected one", body_.name, name));
      if (parameter != parameters.end())
        scope.set(parameter->first, std::move(value));
      else if (is_caller)
        scope.set("caller", std::move(value));
      else if (body_.uses_kwargs)
        others.emplace_back(Value(std::string_view(name)), std::move(value));
      else
        run.fail(format("macro '{}': found an argument '{}', expected none of that name",
                        body_.name, name));
    }
    if (body_.uses_kwargs) scope.set("kwargs", run.dict(std::move(others)));
    if (body_.uses_caller && !find_own(scope, "caller"))
      scope.set("caller", Value::undefined("'caller'"));
  }

  void bind_rest(Run& run, Arguments& arguments, Scope& scope) const {
    const std::size_t count = body_.parameters.size();
    if (arguments.positional.size() > count && !body_.uses_varargs)
      run.fail(format("macro '{}': found {} arguments, expected at most {}", body_.name,
                      arguments.positional.size(), count));
    if (!body_.uses_varargs) return;
    std::vector<Value> rest;
    for (std::size_t i = count; i < arguments.positional.size(); ++i)
      rest.push_back(arguments.positional[i]);
    scope.set("varargs", run.list(std::move(rest), ListKind::kTuple));
  }

  /// Defaults may use the parameters before them.
  void bind_defaults(Run& run, Scope& scope) const {
    for (const auto& [name, otherwise] : body_.parameters) {
      if (find_own(scope, name)) continue;
      scope.set(name, otherwise ? otherwise->evaluate(run)
                                : Value::undefined(format("parameter '{}'", name)));
    }
  }

  static bool find_own(const Scope& scope, std::string_view name) {
    return std::any_of(scope.own().begin(), scope.own().end(),
                       [&](const auto& variable) { return variable.first == name; });
  }

  const MacroBody& body_;
  std::weak_ptr<Scope> closure_;
};

Value make_macro(Run& run, const MacroBody& body) {
  run.keep(run.scope);
  return Value(std::shared_ptr<Object>(std::make_shared<Macro>(body, run.scope)));
}

/// Runs the body of a block in a scope of its own, writing to where the block stands.
Flow execute_inside(Run& run, const Block& body, std::shared_ptr<Scope> scope) {
  std::swap(run.scope, scope);
  const Flow flow = body.execute(run);
  std::swap(run.scope, scope);
  return flow;
}

}  // namespace

Flow Block::execute(Run& run) const {
  const Run::Level level(run);
  for (const auto& statement : statements) {
    run.at(statement->place);
    run.spend(1);
    if (const Flow flow = statement->execute(run); flow != Flow::kNext) return flow;
  }
  return Flow::kNext;
}

void Target::assign(Run& run, Value value) const {
  run.at(place);
  if (!parts.empty()) {
    auto items = run.iterate(value);
    if (items.size() != parts.size())
      run.fail(
          format("found {} values for {} names, expected as many", items.size(), parts.size()));
    for (std::size_t i = 0; i < parts.size(); ++i) parts[i].assign(run, std::move(items[i]));
  } else if (attribute.empty()) {
    run.scope->set(name, std::move(value));
  } else {
    const Value* known = run.scope->find(name);
    auto* space = known ? dynamic_cast<Namespace*>(known->object()) : nullptr;
    if (!space)
      run.fail(format("'{}.{}': found {}, expected a namespace. Only those have attributes to set",
                      name, attribute, known ? "a " + known->type_name() : "nothing of that name"));
    if (attribute.starts_with('_'))
      run.fail(
          format("'{}.{}': found a name that begins with _, expected another", name, attribute));
    space->set(attribute, std::move(value));
  }
}

Flow Data::execute(Run& run) const {
  run.write(text);
  return Flow::kNext;
}

Flow Output::execute(Run& run) const {
  const Value value = expression->evaluate(run);
  run.at(place);
  run.write(value);
  return Flow::kNext;
}

Flow If::execute(Run& run) const {
  for (const auto& [test, body] : branches)
    if (test->evaluate(run).truth()) return body.execute(run);
  return otherwise.execute(run);
}

std::vector<Value> For::chosen_items(Run& run) const {
  const Value value = iterable->evaluate(run);
  run.at(place);
  auto items = run.iterate(value);
  if (!filter) return items;
  std::vector<Value> chosen;
  for (auto& item : items) {
    auto scope = inner_scope(run);
    std::swap(run.scope, scope);
    target.assign(run, item);
    const bool is_chosen = filter->evaluate(run).truth();
    std::swap(run.scope, scope);
    if (is_chosen) chosen.push_back(std::move(item));
  }
  return chosen;
}

Flow For::execute(Run& run) const {
  const auto loop = std::make_shared<Loop>(chosen_items(run));
  if (loop->items().empty()) return execute_inside(run, otherwise, inner_scope(run));
  run.loop_sources.push_back(0);
  for (; loop->index < loop->items().size(); ++loop->index) {
    run.spend(1);
    const Value& item = loop->items()[loop->index];
    run.loop_sources.back() = item.dict() ? item.dict()->source : 0;
    auto scope = inner_scope(run);
    scope->set("loop", Value(std::shared_ptr<Object>(loop)));
    std::swap(run.scope, scope);
    target.assign(run, item);
    std::swap(run.scope, scope);
    if (execute_inside(run, body, scope) == Flow::kBreak) break;
  }
  run.loop_sources.pop_back();
  return Flow::kNext;
}

Flow Set::execute(Run& run) const {
  if (value) {
    target.assign(run, value->evaluate(run));
    return Flow::kNext;
  }
  Text text = run.capture(inner_scope(run), [&] { body.execute(run); });
  target.assign(run, filtered(run, filters, std::move(text)));
  return Flow::kNext;
}

Flow With::execute(Run& run) const {
  std::vector<Value> values;
  for (const auto& variable : variables) values.push_back(variable.second->evaluate(run));
  auto scope = inner_scope(run);
  std::swap(run.scope, scope);
  for (std::size_t i = 0; i < values.size(); ++i)
    variables[i].first.assign(run, std::move(values[i]));
  std::swap(run.scope, scope);
  return execute_inside(run, body, scope);
}

Flow MacroDefinition::execute(Run& run) const {
  run.scope->set(macro.name, make_macro(run, macro));
  return Flow::kNext;
}

Flow CallBlock::execute(Run& run) const {
  const Value function = call->callee->evaluate(run);
  Arguments arguments = call->arguments.evaluate(run);
  arguments.named.emplace_back("caller", make_macro(run, caller));
  run.at(place);
  run.write(run.call(function, arguments));
  return Flow::kNext;
}

Flow FilterBlock::execute(Run& run) const {
  Text text = run.capture(inner_scope(run), [&] { body.execute(run); });
  run.write(filtered(run, filters, std::move(text)));
  return Flow::kNext;
}

Flow Generation::execute(Run& run) const {
  Text text = run.capture(inner_scope(run), [&] { body.execute(run); });
  text.marks.push_back({0, text.bytes.size(), kGenerated});
  run.write(run.text(std::move(text)));
  return Flow::kNext;
}

}  // namespace sqpsych::jinja
