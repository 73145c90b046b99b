#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "models/chat_templates/jinja/lexer.h"
#include "models/chat_templates/jinja/syntax.h"

namespace sqpsych::jinja {

template <class Node>
std::unique_ptr<Node> node_at(Place place) {
  auto node = std::make_unique<Node>();
  node->place = place;
  return node;
}

/// Recursive descent; the order of binding is Jinja's.
class Parser {
 public:
  Parser(std::vector<Token> tokens, const std::string& name)
      : tokens_(std::move(tokens)), name_(name) {}
  SyntaxTree parse_template();

 private:
  // parser_operators.cpp: from the weakest binding to the strongest
  ExpressionPtr parse_expression();
  ExpressionPtr parse_or();
  ExpressionPtr parse_and();
  ExpressionPtr parse_not();
  ExpressionPtr parse_comparison();
  ExpressionPtr parse_sum();
  ExpressionPtr parse_concatenation();
  ExpressionPtr parse_product();
  ExpressionPtr parse_power();
  ExpressionPtr parse_unary(bool with_filters);

  // parser_operands.cpp
  ExpressionPtr parse_primary();
  ExpressionPtr parse_number();
  ExpressionPtr parse_string();
  ExpressionPtr parse_name();
  ExpressionPtr parse_list();
  ExpressionPtr parse_dict();
  ExpressionPtr parse_postfix(ExpressionPtr object);
  ExpressionPtr parse_attribute(ExpressionPtr object);
  ExpressionPtr parse_item(ExpressionPtr object);
  ExpressionPtr parse_filters(ExpressionPtr input);
  ExpressionPtr parse_test(ExpressionPtr input);
  ExpressionPtr parse_call(ExpressionPtr callee);
  std::unique_ptr<FilterUse> parse_filter(ExpressionPtr input);
  CallArguments parse_arguments();
  void parse_argument(CallArguments& arguments);
  /// One expression, or a tuple when commas follow.
  ExpressionPtr parse_tuple(bool with_condition, bool in_parentheses);
  bool at_tuple_end() const;
  std::string parse_dotted_name();

  // parser_statements.cpp
  using Ends = std::vector<std::string_view>;
  Block parse_block(const Ends& ends);
  StatementPtr parse_statement();
  StatementPtr parse_if();
  StatementPtr parse_for();
  StatementPtr parse_set();
  StatementPtr parse_with();
  StatementPtr parse_macro();
  StatementPtr parse_call_block();
  StatementPtr parse_filter_block();
  StatementPtr parse_generation();
  StatementPtr parse_loop_control();
  Target parse_target(bool with_attribute);
  Target parse_single_target(bool with_attribute);
  void parse_parameters(MacroBody& macro);
  MacroBody parse_macro_body(MacroBody macro, const char* end);
  std::vector<std::unique_ptr<const FilterUse>> parse_filter_chain();

  // Tokens.
  const Token& current() const { return tokens_[position_]; }
  const Token& following() const { return tokens_[std::min(position_ + 1, tokens_.size() - 1)]; }
  const Token& advance() {
    return tokens_[position_ + 1 < tokens_.size() ? position_++ : position_];
  }
  bool take_operator(std::string_view symbol);
  bool take_name(std::string_view name);
  void expect_operator(std::string_view symbol);
  void expect(TokenKind kind, std::string_view shown);
  std::string expect_name();
  /// Leaves `{% NAME` of one of the ends; the name is consumed.
  std::string take_end();
  void expect_block_end() { expect(TokenKind::kBlockEnd, "%}"); }
  [[noreturn]] void fail(const std::string& expected) const;
  [[noreturn]] void fail_at(Place place, const std::string& problem) const;

  /// Guards against templates that nest or chain without end.
  class Level {
   public:
    explicit Level(Parser& parser) : parser_(parser) {
      if (++parser_.depth_ > kMaxDepth) parser_.fail("fewer levels of nesting");
    }
    ~Level() { --parser_.depth_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;

   private:
    Parser& parser_;
  };
  static constexpr int kMaxDepth = 100;
  static constexpr int kMaxChain = 400;
  void count_link(int& links) {
    if (++links > kMaxChain) fail("a shorter chain of operators");
  }

  std::vector<Token> tokens_;
  const std::string& name_;
  std::size_t position_ = 0;
  int depth_ = 0;
  int loops_ = 0;
  SyntaxTree tree_;
  std::vector<MacroBody*> macros_;  ///< the ones around, innermost last
};

}  // namespace sqpsych::jinja
