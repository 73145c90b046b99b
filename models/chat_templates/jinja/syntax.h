#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "models/chat_templates/jinja/run.h"

/// The syntax tree. Nodes run themselves; a tree is immutable and may run in many threads at once.
namespace sqpsych::jinja {

class Expression {
 public:
  virtual ~Expression() = default;
  /// Counts a step and guards against deep nesting.
  Value evaluate(Run& run) const {
    const Run::Level level(run);
    run.spend(1);
    return compute(run);
  }
  Place place;

 private:
  virtual Value compute(Run& run) const = 0;
};
using ExpressionPtr = std::unique_ptr<const Expression>;

enum class Flow { kNext, kBreak, kContinue };

class Statement {
 public:
  virtual ~Statement() = default;
  virtual Flow execute(Run& run) const = 0;
  Place place;
};
using StatementPtr = std::unique_ptr<const Statement>;

struct Block {
  std::vector<StatementPtr> statements;
  Flow execute(Run& run) const;
};

struct CallArguments {
  std::vector<ExpressionPtr> positional;
  std::vector<std::pair<std::string, ExpressionPtr>> named;
  ExpressionPtr spread_positional, spread_named;  ///< `*x` and `**x`, or null

  Arguments evaluate(Run& run) const;
};

/// What a filter or test is: the value it is applied to stands first among the arguments.
using Operation = Value (*)(Run&, Arguments&);
Operation find_filter(std::string_view name);
Operation find_test(std::string_view name);

struct Constant : Expression {
  Value value;
  Value compute(Run&) const override { return value; }
};

struct Name : Expression {
  std::string name;
  Value compute(Run& run) const override;
};

struct ListLiteral : Expression {
  std::vector<ExpressionPtr> items;
  ListKind kind = ListKind::kList;
  Value compute(Run& run) const override;
};

struct DictLiteral : Expression {
  std::vector<std::pair<ExpressionPtr, ExpressionPtr>> entries;
  Value compute(Run& run) const override;
};

/// `-x`, `+x`, `not x`
struct Unary : Expression {
  char symbol = '-';
  ExpressionPtr operand;
  Value compute(Run& run) const override;
};

/// + - * / // % **
struct Arithmetic : Expression {
  std::string symbol;
  ExpressionPtr left, right;
  Value compute(Run& run) const override;
};

/// `and`, `or`: the operand that decides.
struct Logic : Expression {
  bool is_and = true;
  ExpressionPtr left, right;
  Value compute(Run& run) const override;
};

/// A chain such as a < b <= c; symbols also `in` and `not in`.
struct Comparison : Expression {
  ExpressionPtr first;
  std::vector<std::pair<std::string, ExpressionPtr>> rest;
  Value compute(Run& run) const override;
};

/// a ~ b ~ c
struct Concatenation : Expression {
  std::vector<ExpressionPtr> parts;
  Value compute(Run& run) const override;
};

struct Conditional : Expression {
  ExpressionPtr test, then, otherwise;  ///< `otherwise` may be null: undefined
  Value compute(Run& run) const override;
};

struct AttributeAccess : Expression {
  ExpressionPtr object;
  std::string name;
  Value compute(Run& run) const override;
};

struct ItemAccess : Expression {
  ExpressionPtr object, key;
  Value compute(Run& run) const override;
};

struct Slice : Expression {
  ExpressionPtr object, start, stop, step;  ///< the last three may be null
  Value compute(Run& run) const override;
};

struct Call : Expression {
  ExpressionPtr callee;
  CallArguments arguments;
  Value compute(Run& run) const override;
};

/// A filter without input (null) gets the text of the block it stands at.
struct FilterUse : Expression {
  ExpressionPtr input;
  std::string name;
  Operation operation = nullptr;  ///< null: there is no such filter
  CallArguments arguments;
  Value compute(Run& run) const override;
  Value apply(Run& run, Value value) const;
};

struct TestUse : Expression {
  ExpressionPtr input;
  std::string name;
  Operation operation = nullptr;
  CallArguments arguments;
  Value compute(Run& run) const override;
};

/// What an assignment sets: a name, an attribute of a namespace, or a tuple of such.
struct Target {
  std::string name;
  std::string attribute;
  std::vector<Target> parts;
  Place place;
  void assign(Run& run, Value value) const;
};

struct Data : Statement {
  std::string text;
  Flow execute(Run& run) const override;
};

struct Output : Statement {
  ExpressionPtr expression;
  Flow execute(Run& run) const override;
};

struct If : Statement {
  std::vector<std::pair<ExpressionPtr, Block>> branches;
  Block otherwise;
  Flow execute(Run& run) const override;
};

struct For : Statement {
  Target target;
  ExpressionPtr iterable, filter;  ///< `filter` may be null
  Block body, otherwise;
  Flow execute(Run& run) const override;

 private:
  std::vector<Value> chosen_items(Run& run) const;
};

struct LoopControl : Statement {
  Flow flow = Flow::kBreak;
  Flow execute(Run&) const override { return flow; }
};

/// `{% set x = value %}`, or with a body instead of a value.
struct Set : Statement {
  Target target;
  ExpressionPtr value;
  Block body;
  std::vector<std::unique_ptr<const FilterUse>> filters;
  Flow execute(Run& run) const override;
};

struct With : Statement {
  std::vector<std::pair<Target, ExpressionPtr>> variables;
  Block body;
  Flow execute(Run& run) const override;
};

/// What a macro and the body of a call block have in common.
struct MacroBody {
  std::string name;
  std::vector<std::pair<std::string, ExpressionPtr>> parameters;  ///< default null: undefined
  Block body;
  bool uses_varargs = false, uses_kwargs = false, uses_caller = false;
};

struct MacroDefinition : Statement {
  MacroBody macro;
  Flow execute(Run& run) const override;
};

struct CallBlock : Statement {
  std::unique_ptr<const Call> call;
  MacroBody caller;
  Flow execute(Run& run) const override;
};

struct FilterBlock : Statement {
  std::vector<std::unique_ptr<const FilterUse>> filters;
  Block body;
  Flow execute(Run& run) const override;
};

/// `{% generation %}`: what the assistant says; its output is marked.
struct Generation : Statement {
  Block body;
  Flow execute(Run& run) const override;
};

/// The mark of generation blocks.
inline constexpr Source kGenerated = 0xFFFFFFFF;

struct SyntaxTree {
  Block body;
  bool has_generation = false;
  bool asks_for_time = false;  ///< uses strftime_now: the text depends on the day
};

SyntaxTree parse(std::string_view source, const std::string& name);

}  // namespace sqpsych::jinja
