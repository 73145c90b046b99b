#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "models/chat_templates/jinja/run.h"

namespace sqpsych::jinja {

/// What `namespace()` makes: the only thing a template can change.
class Namespace : public Object {
 public:
  std::string type_name() const override { return "namespace"; }
  Value attribute(Run& run, std::string_view name) override;
  void set(const std::string& name, Value value);
  void clear() { members_.clear(); }

 private:
  std::vector<std::pair<std::string, Value>> members_;
};

/// The variable `loop`.
class Loop : public Object, public std::enable_shared_from_this<Loop> {
 public:
  explicit Loop(std::vector<Value> items);
  std::string type_name() const override { return "loop"; }
  Value attribute(Run& run, std::string_view name) override;
  Extent extent() const override { return extent_; }
  const std::vector<Value>& items() const { return items_; }

  std::size_t index = 0;  ///< from 0

 private:
  bool changed(Run& run, const std::vector<Value>& values);

  std::vector<Value> items_;
  std::optional<std::vector<Value>> seen_;  ///< what `loop.changed` was asked about last
  Extent extent_;
};

/// A function or method written in C++.
class Function : public Object {
 public:
  using Body = std::function<Value(Run&, Arguments&)>;
  Function(std::string name, Body body, Extent extent = {})
      : name_(std::move(name)), body_(std::move(body)), extent_(extent) {}
  std::string type_name() const override { return "function " + name_; }
  bool is_callable() const override { return true; }
  Value call(Run& run, Arguments& arguments) override { return body_(run, arguments); }
  Extent extent() const override { return extent_; }

 private:
  std::string name_;
  Body body_;
  Extent extent_;
};

Value make_function(std::string name, Function::Body body);

/// range, dict, namespace, cycler, joiner, raise_exception, strftime_now; null when not one of
/// them.
const Value* find_global(std::string_view name);

/// A method of a str, list or dict bound to `self`; undefined when there is none of that name.
Value find_method(const Value& self, std::string_view name);

}  // namespace sqpsych::jinja
