#include <algorithm>
#include <map>

#include "models/chat_templates/jinja/methods.h"
#include "models/chat_templates/jinja/objects.h"
#include "models/chat_templates/jinja/operators.h"

namespace sqpsych::jinja {
namespace {

using Method = Value (*)(Run&, const Value& self, Arguments&);
using Methods = std::map<std::string_view, Method>;

const Value& required(Run& run, const Arguments& arguments, const char* method) {
  if (arguments.positional.empty()) run.fail(format("{}: found no argument, expected one", method));
  return arguments.positional[0];
}

Value get(Run& run, const Value& self, Arguments& arguments) {
  const Value& key = required(run, arguments, "get");
  run.spend(self.dict()->entries.size() / 8 + 1);
  if (!is_hashable(key))
    run.fail("get: found a list or dict as the key, expected a text or number");
  if (const Value* value = self.dict()->find(key)) return *value;
  const Value* otherwise = arguments.find(1, "default");
  return otherwise ? *otherwise : Value(None{});
}

Value items(Run& run, const Value& self, Arguments&) {
  std::vector<Value> pairs;
  for (const auto& [key, value] : self.dict()->entries)
    pairs.push_back(run.list({key, value}, ListKind::kTuple));
  return run.list(std::move(pairs), ListKind::kItems);
}

Value keys(Run& run, const Value& self, Arguments&) {
  return run.list(run.iterate(self), ListKind::kKeys);
}

Value values(Run& run, const Value& self, Arguments&) {
  std::vector<Value> all;
  for (const auto& entry : self.dict()->entries) all.push_back(entry.second);
  return run.list(std::move(all), ListKind::kValues);
}

Value copy(Run&, const Value& self, Arguments&) { return self; }

Value count(Run& run, const Value& self, Arguments& arguments) {
  const Value& wanted = required(run, arguments, "count");
  std::size_t found = 0;
  for (const auto& item : self.list()->items) found += equal(run, item, wanted);
  return Value::number(found);
}

Value index(Run& run, const Value& self, Arguments& arguments) {
  const Value& wanted = required(run, arguments, "index");
  const auto& all = self.list()->items;
  for (std::size_t i = 0; i < all.size(); ++i)
    if (equal(run, all[i], wanted)) return Value::number(i);
  run.fail("index: found no such item, expected it in the list");
}

Value refuse_change(Run& run, const Value& self, Arguments&) {
  run.fail(
      format("found a change of a {}, expected none: templates cannot change values. "
             "Use a namespace or make a new value with +",
             self.type_name()));
}

const Methods& methods_of(const Value& self) {
  static const Methods kDict = {{"get", get},
                                {"items", items},
                                {"keys", keys},
                                {"values", values},
                                {"copy", copy},
                                {"clear", refuse_change},
                                {"pop", refuse_change},
                                {"popitem", refuse_change},
                                {"setdefault", refuse_change},
                                {"update", refuse_change}};
  static const Methods kList = {
      {"count", count},           {"index", index},         {"copy", copy},
      {"append", refuse_change},  {"clear", refuse_change}, {"extend", refuse_change},
      {"insert", refuse_change},  {"pop", refuse_change},   {"remove", refuse_change},
      {"reverse", refuse_change}, {"sort", refuse_change}};
  static const Methods kTuple = {{"count", count}, {"index", index}};
  static const Methods kNone;
  if (self.dict()) return kDict;
  if (!self.list()) return kNone;
  if (self.list()->kind == ListKind::kList) return kList;
  return self.list()->kind <= ListKind::kRange ? kTuple : kNone;
}

Value bound(std::string_view name, const Value& self, Function::Body body) {
  Extent extent;
  extent.contain(self.extent());
  return Value(std::shared_ptr<Object>(
      std::make_shared<Function>(std::string(name), std::move(body), extent)));
}

}  // namespace

Value find_method(const Value& self, std::string_view name) {
  if (self.text()) {
    const TextMethod method = find_text_method(name);
    if (!method) return Value();
    return bound(name, self, [self, method](Run& run, Arguments& arguments) {
      return method(run, *self.text(), arguments);
    });
  }
  const Methods& methods = methods_of(self);
  const auto found = methods.find(name);
  if (found == methods.end()) return Value();
  return bound(name, self, [self, method = found->second](Run& run, Arguments& arguments) {
    return method(run, self, arguments);
  });
}

}  // namespace sqpsych::jinja
