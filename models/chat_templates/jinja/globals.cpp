#include <algorithm>
#include <cmath>
#include <map>

#include "models/chat_templates/jinja/objects.h"
#include "models/chat_templates/jinja/operators.h"
#include "models/chat_templates/jinja/printing.h"

namespace sqpsych::jinja {
namespace {

constexpr std::int64_t kLongestRange = 100'000;  // as Jinja's sandbox

Value range(Run& run, Arguments& arguments) {
  const auto& given = arguments.positional;
  if (given.empty() || given.size() > 3)
    run.fail(format("range: found {} arguments, expected 1 to 3", given.size()));
  const auto number = [&](std::size_t i) { return need_integer(run, given[i], "range"); };
  const std::int64_t start = given.size() > 1 ? number(0) : 0;
  const std::int64_t stop = given.size() > 1 ? number(1) : number(0);
  const std::int64_t step = given.size() > 2 ? number(2) : 1;
  if (step == 0) run.fail("range: found a step of 0, expected another");
  const double distance = static_cast<double>(stop) - static_cast<double>(start);
  const double count = std::max(std::ceil(distance / static_cast<double>(step)), 0.0);
  if (count > static_cast<double>(kLongestRange))
    run.fail(format("range: found more than {} numbers, expected fewer", kLongestRange));
  std::vector<Value> numbers;
  std::int64_t next = start;
  for (std::int64_t i = 0; i < static_cast<std::int64_t>(count); ++i) {
    numbers.push_back(Value(next));
    if (__builtin_add_overflow(next, step, &next)) break;
  }
  return run.list(std::move(numbers), ListKind::kRange);
}

/// The entries of a dict, or pairs of a list, followed by the named arguments.
std::vector<std::pair<Value, Value>> entries_of(Run& run, Arguments& arguments) {
  std::vector<std::pair<Value, Value>> entries;
  if (arguments.positional.size() > 1)
    run.fail(format("found {} arguments, expected at most one", arguments.positional.size()));
  if (!arguments.positional.empty()) {
    const Value& given = arguments.positional[0];
    if (const Dict* dict = given.dict()) {
      entries = dict->entries;
    } else {
      for (const auto& item : run.iterate(given)) {
        const auto pair = run.iterate(item);
        if (pair.size() != 2) run.fail("found an item that is no pair, expected key and value");
        entries.emplace_back(pair[0], pair[1]);
      }
    }
  }
  for (auto& [name, value] : arguments.named)
    entries.emplace_back(Value(std::string_view(name)), std::move(value));
  return entries;
}

Value make_namespace(Run& run, Arguments& arguments) {
  auto space = std::make_shared<Namespace>();
  const Value members = run.dict(entries_of(run, arguments));
  for (const auto& [name, value] : members.dict()->entries) {
    const auto& text = need_text(run, name, "namespace").bytes;
    if (text.starts_with('_'))
      run.fail(format("namespace: found the name '{}', expected none that begins with _", text));
    space->set(text, value);
  }
  run.keep(space);
  return Value(std::shared_ptr<Object>(std::move(space)));
}

/// `cycler('a', 'b')`: next() gives the values in turn.
class Cycler : public Object, public std::enable_shared_from_this<Cycler> {
 public:
  explicit Cycler(std::vector<Value> values) : values_(std::move(values)) {
    for (const auto& value : values_) extent_.contain(value.extent());
  }
  std::string type_name() const override { return "cycler"; }
  Extent extent() const override { return extent_; }
  Value attribute(Run& run, std::string_view name) override {
    if (name == "current") return values_[at_];
    if (name != "next" && name != "reset") return Object::attribute(run, name);
    return make_function(
        "cycler", [cycler = weak_from_this(), resets = name == "reset"](Run& inner, Arguments&) {
          const auto alive = cycler.lock();
          if (!alive) inner.fail("cycler: found none, expected a variable that holds it");
          return alive->advance(resets);
        });
  }

 private:
  Value advance(bool resets) {
    const Value value = values_[at_];
    at_ = resets ? 0 : (at_ + 1) % values_.size();
    return resets ? Value(None{}) : value;
  }

  std::vector<Value> values_;
  Extent extent_;
  std::size_t at_ = 0;
};

/// `joiner(', ')`: empty on the first call, the separator from then on.
class Joiner : public Object {
 public:
  explicit Joiner(Value separator) : separator_(std::move(separator)) {}
  std::string type_name() const override { return "joiner"; }
  bool is_callable() const override { return true; }
  Value call(Run&, Arguments&) override {
    return std::exchange(used_, true) ? separator_ : Value(std::string_view());
  }

 private:
  Value separator_;
  bool used_ = false;
};

Value raise_exception(Run& run, Arguments& arguments) {
  const Value* message = arguments.find(0, "message");
  if (!message) run.fail("raise_exception: found no message, expected one");
  run.refuse(to_text(run, *message).text()->bytes);
}

Value strftime_now(Run& run, Arguments& arguments) {
  const Value* given = arguments.find(0, "format");
  const auto& pattern = need_text(run, given ? *given : Value(), "strftime_now").bytes;
  if (pattern.empty()) return Value(std::string_view());
  if (pattern.size() > 200 || pattern.find('\0') != std::string::npos)
    run.fail("strftime_now: found a format of more than 200 bytes, expected a shorter one");
  const std::time_t now = run.now();
  std::tm parts{};
  localtime_r(&now, &parts);
  // A blank behind the format: an empty result is told from one that does not fit.
  std::string text(16'384, '\0');
  const auto size = std::strftime(text.data(), text.size(), (pattern + " ").c_str(), &parts);
  if (size == 0)
    run.fail("strftime_now: found a format that makes too long a text, expected another");
  text.resize(size - 1);
  if (!is_valid_utf8(text)) run.fail("strftime_now: found a date that is no UTF-8, expected UTF-8");
  return run.text(Text(text));
}

}  // namespace

const Value* find_global(std::string_view name) {
  static const std::map<std::string_view, Value> kGlobals = {
      {"range", make_function("range", range)},
      {"dict", make_function("dict",
                             [](Run& run, Arguments& arguments) {
                               return run.dict(entries_of(run, arguments));
                             })},
      {"namespace", make_function("namespace", make_namespace)},
      {"cycler", make_function("cycler",
                               [](Run& run, Arguments& arguments) {
                                 if (arguments.positional.empty())
                                   run.fail("cycler: found no values, expected some");
                                 return Value(std::shared_ptr<Object>(
                                     std::make_shared<Cycler>(arguments.positional)));
                               })},
      {"joiner",
       make_function("joiner",
                     [](Run& run, Arguments& arguments) {
                       const Value* separator = arguments.find(0, "sep");
                       return Value(std::shared_ptr<Object>(std::make_shared<Joiner>(
                           separator ? to_text(run, *separator) : Value(std::string_view(", ")))));
                     })},
      {"raise_exception", make_function("raise_exception", raise_exception)},
      {"strftime_now", make_function("strftime_now", strftime_now)},
  };
  const auto found = kGlobals.find(name);
  return found == kGlobals.end() ? nullptr : &found->second;
}

}  // namespace sqpsych::jinja
