#pragma once

#include <ctime>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/error.h"
#include "models/chat_templates/jinja/value.h"

namespace sqpsych::jinja {

/// Line and column (in bytes), both from 1.
struct Place {
  std::uint32_t line = 1;
  std::uint32_t column = 1;
};

/// Text that is made or looked through counts as one step for so many bytes.
inline constexpr std::size_t kBytesPerStep = 64;

/// What a hostile template cannot exceed. Steps count evaluated nodes and 64 bytes of made text.
struct Limits {
  std::size_t max_steps = 20'000'000;
  std::size_t max_text_bytes = std::size_t{64} << 20;
  int max_depth = 250;  ///< nested evaluations, and containers inside containers
};

/// The template cannot be read or run. The text is `NAME: line L, column C: problem`.
class TemplateError : public FormatError {
 public:
  using FormatError::FormatError;
};

/// The template called raise_exception.
class TemplateRefusal : public ConfigError {
 public:
  TemplateRefusal(const std::string& where, std::string words, Source about)
      : ConfigError(where + ": " + words), message(std::move(words)), source(about) {}
  std::string message;  ///< the template's own words
  Source source;        ///< the value with a source (a chat message) it looked at; 0: none
};

/// Variables of one level; a read that finds nothing goes on in the level around it.
class Scope {
 public:
  explicit Scope(std::shared_ptr<Scope> around) : around_(std::move(around)) {}
  void set(std::string_view name, Value value);
  const Value* find(std::string_view name) const;
  const std::vector<std::pair<std::string_view, Value>>& own() const { return variables_; }

 private:
  std::shared_ptr<Scope> around_;
  std::vector<std::pair<std::string_view, Value>> variables_;
};

struct Arguments {
  std::vector<Value> positional;
  std::vector<std::pair<std::string, Value>> named;

  /// The argument at `index` or of that name, and none of it is left; null when not given.
  const Value* find(std::size_t index, std::string_view name) const;
  bool flag(std::size_t index, std::string_view name, bool otherwise) const;
};

class Namespace;

/// One execution of a template. An error ends it for good: nothing is put back on the way out.
class Run {
 public:
  Run(std::string name, const Limits& limits, std::time_t now)
      : name_(std::move(name)), limits_(limits), now_(now) {}
  ~Run();
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  /// Errors from here on are about this place.
  void at(Place place) { place_ = place; }
  Place place() const { return place_; }
  [[noreturn]] void fail(const std::string& problem) const;
  [[noreturn]] void refuse(const std::string& message) const;

  void spend(std::size_t steps) {
    if (steps > limits_.max_steps - steps_) fail_for_steps();
    steps_ += steps;
  }
  /// An error when a text would be longer than allowed; asked before and while a long one is made.
  void check_size(std::size_t bytes) const;
  /// Counted and within the limits, or an error.
  Value text(Text text);
  Value list(std::vector<Value> items, ListKind kind = ListKind::kList);
  Value dict(std::vector<std::pair<Value, Value>> entries);

  std::shared_ptr<Scope> scope;

  /// Where output goes; captured while a block or macro makes a text of it.
  void write(const Value& value);
  void write(std::string_view text);
  /// Runs `body` in a scope of its own and gives what it wrote.
  Text capture(std::shared_ptr<Scope> inner, const std::function<void()>& body);
  Text take_output() { return std::move(output_); }

  /// Python's attribute and item access as Jinja mixes them: `a.b` looks for an attribute first,
  /// `a['b']` for an item. What is not there is undefined; of an undefined value it is an error.
  Value attribute(const Value& object, std::string_view name);
  Value item(const Value& object, const Value& key);
  Value call(const Value& callee, Arguments& arguments);
  /// The items of a list, keys of a dict, characters of a text; none of an undefined value.
  std::vector<Value> iterate(const Value& value);

  /// Keeps what macros see and what may form circles until the run ends.
  void keep(std::shared_ptr<Scope> closure);
  void keep(std::shared_ptr<Namespace> space);

  /// The values that the loops around are at, innermost last.
  std::vector<Source> loop_sources;
  std::time_t now() const { return now_; }

  /// Guards recursion while it lives.
  class Level {
   public:
    explicit Level(Run& run) : run_(run) {
      if (++run_.depth_ > run_.limits_.max_depth) run_.fail_for_depth();
    }
    ~Level() { --run_.depth_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;

   private:
    Run& run_;
  };

 private:
  [[noreturn]] void fail_for_steps() const;
  [[noreturn]] void fail_for_depth() const;
  void check(const Extent& extent) const;
  void note_source(const Dict& dict) {
    if (dict.source != 0) last_source_ = dict.source;
  }

  std::string name_;
  Limits limits_;
  std::time_t now_;
  Place place_;
  std::size_t steps_ = 0;
  int depth_ = 0;
  Source last_source_ = 0;
  Text output_;
  std::vector<std::shared_ptr<Scope>> closures_;
  std::vector<std::shared_ptr<Namespace>> spaces_;
};

}  // namespace sqpsych::jinja
