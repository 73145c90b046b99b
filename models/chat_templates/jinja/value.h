#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "models/chat_templates/jinja/text.h"

/// The values of a template: Python's None, bool, int, float, str, list, tuple and dict, all
/// immutable, and the objects that only templates have (namespace, loop, macro ...).
namespace sqpsych::jinja {

class Value;
struct List;
struct Dict;
struct Object;

/// How deep containers stand inside each other (0 for scalars), and how many values a walk through
/// all of it meets.
struct Extent {
  int depth = 0;
  std::size_t weight = 1;
  void contain(const Extent& part);
};

struct None {};
/// A name, attribute or item that is not there; `what` says which.
struct Undefined {
  std::shared_ptr<const std::string> what;
};

class Value {
 public:
  Value() : data_(Undefined{}) {}
  Value(None none) : data_(none) {}
  Value(bool truth) : data_(truth) {}
  Value(std::int64_t number) : data_(number) {}
  Value(double number) : data_(number) {}
  Value(Text text) : data_(std::make_shared<const Text>(std::move(text))) {}
  Value(std::string_view text) : Value(Text(text)) {}
  Value(const char*) = delete;
  Value(std::shared_ptr<const List> list) : data_(std::move(list)) {}
  Value(std::shared_ptr<const Dict> dict) : data_(std::move(dict)) {}
  Value(std::shared_ptr<Object> object) : data_(std::move(object)) {}
  static Value undefined(std::string what) {
    Value value;
    value.data_ = Undefined{std::make_shared<const std::string>(std::move(what))};
    return value;
  }
  static Value number(std::size_t count) { return Value(static_cast<std::int64_t>(count)); }

  bool is_undefined() const { return std::holds_alternative<Undefined>(data_); }
  bool is_none() const { return std::holds_alternative<None>(data_); }
  bool is_bool() const { return std::holds_alternative<bool>(data_); }
  bool is_integer() const { return std::holds_alternative<std::int64_t>(data_); }
  bool is_float() const { return std::holds_alternative<double>(data_); }
  /// bool, int or float.
  bool is_number() const { return is_bool() || is_integer() || is_float(); }
  bool is_text() const { return text() != nullptr; }

  /// Null (or the given default) when the value is of another kind.
  const Text* text() const { return pointer<const Text>(); }
  const List* list() const { return pointer<const List>(); }
  const Dict* dict() const { return pointer<const Dict>(); }
  Object* object() const { return pointer<Object>(); }
  std::shared_ptr<Object> shared_object() const;
  bool boolean() const { return std::get<bool>(data_); }
  /// Of an int or bool.
  std::int64_t integer() const {
    return is_bool() ? std::int64_t{boolean()} : std::get<std::int64_t>(data_);
  }
  /// Of any number.
  double real() const {
    return is_float() ? std::get<double>(data_) : static_cast<double>(integer());
  }
  /// "'message' " and the like, for messages.
  const std::string& what() const;

  /// As Python names it: str, int, list, NoneType ...
  std::string type_name() const;
  bool truth() const;
  Extent extent() const;
  /// The same object in memory, or equal scalars.
  bool is_same(const Value& other) const;

 private:
  template <class T>
  T* pointer() const {
    const auto* shared = std::get_if<std::shared_ptr<T>>(&data_);
    return shared ? shared->get() : nullptr;
  }

  std::variant<Undefined, None, bool, std::int64_t, double, std::shared_ptr<const Text>,
               std::shared_ptr<const List>, std::shared_ptr<const Dict>, std::shared_ptr<Object>>
      data_;
};

/// Python's sequence types and what dict methods, range() and lazy filters return.
enum class ListKind { kList, kTuple, kRange, kKeys, kValues, kItems, kIterator };

struct List {
  std::vector<Value> items;
  ListKind kind = ListKind::kList;
  Extent extent = {1, 1};
  /// Items that an iterator has already given away.
  mutable std::size_t consumed = 0;

  bool has_items_by_index() const { return kind <= ListKind::kRange; }
};

struct Dict {
  std::vector<std::pair<Value, Value>> entries;  ///< in order of insertion, keys unique
  Extent extent = {1, 1};
  Source source = 0;  ///< which of the caller's values this is

  const Value* find(std::string_view key) const;
  const Value* find(const Value& key) const;
};

Value make_list(std::vector<Value> items, ListKind kind = ListKind::kList);
/// Later entries replace earlier ones of the same key.
Value make_dict(std::vector<std::pair<Value, Value>> entries, Source source = 0);

class Run;
struct Arguments;

/// What only templates have. Attributes and calls go through the run that executes the template.
struct Object {
  virtual ~Object() = default;
  virtual std::string type_name() const = 0;
  /// Undefined when there is none.
  virtual Value attribute(Run& run, std::string_view name);
  virtual bool is_callable() const { return false; }
  virtual Value call(Run& run, Arguments& arguments);
  virtual Extent extent() const { return {}; }
};

/// Python's ==.
bool equal(const Value& left, const Value& right);
/// Python's hash and equality rules allow it as a key.
bool is_hashable(const Value& value);

}  // namespace sqpsych::jinja
