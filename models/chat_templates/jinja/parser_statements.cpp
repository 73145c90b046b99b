#include "models/chat_templates/jinja/parser.h"

namespace sqpsych::jinja {

SyntaxTree parse(std::string_view source, const std::string& name) {
  return Parser(tokens_of(source, name), name).parse_template();
}

void Parser::fail_at(Place place, const std::string& problem) const {
  throw TemplateError(
      format("{}: line {}, column {}: {}.", name_, place.line, place.column, problem));
}

void Parser::fail(const std::string& expected) const {
  const Token& token = current();
  std::string found = "'" + token.text + "'";
  if (token.kind == TokenKind::kEnd) found = "the end of the template";
  if (token.kind == TokenKind::kBlockEnd) found = "'%}'";
  if (token.kind == TokenKind::kVariableEnd) found = "'}}'";
  fail_at(token.place, format("found {}, expected {}", found, expected));
}

bool Parser::take_operator(std::string_view symbol) {
  if (!current().is_operator(symbol)) return false;
  advance();
  return true;
}

bool Parser::take_name(std::string_view name) {
  if (!current().is_name(name)) return false;
  advance();
  return true;
}

void Parser::expect_operator(std::string_view symbol) {
  if (!take_operator(symbol)) fail(format("'{}'", symbol));
}

void Parser::expect(TokenKind kind, std::string_view shown) {
  if (current().kind != kind) fail(format("'{}'", shown));
  advance();
}

std::string Parser::expect_name() {
  if (current().kind != TokenKind::kName) fail("a name");
  return advance().text;
}

SyntaxTree Parser::parse_template() {
  tree_.body = parse_block({});
  return std::move(tree_);
}

/// Up to `{% END` of one of the ends, which is current then; without ends to the template's end.
Block Parser::parse_block(const Ends& ends) {
  const Level level(*this);
  Block block;
  for (;;) {
    const Token& token = current();
    if (token.kind == TokenKind::kEnd) {
      if (!ends.empty()) fail(format("'{}'", ends.back()));
      return block;
    }
    advance();
    if (token.kind == TokenKind::kData) {
      auto data = node_at<Data>(token.place);
      data->text = token.text;
      block.statements.push_back(std::move(data));
    } else if (token.kind == TokenKind::kVariableBegin) {
      auto output = node_at<Output>(token.place);
      output->expression = parse_tuple(true, false);
      expect(TokenKind::kVariableEnd, "}}");
      block.statements.push_back(std::move(output));
    } else {
      for (const auto end : ends)
        if (current().is_name(end)) return block;
      block.statements.push_back(parse_statement());
    }
  }
}

StatementPtr Parser::parse_statement() {
  const Token& token = current();
  if (token.is_name("if")) return parse_if();
  if (token.is_name("for")) return parse_for();
  if (token.is_name("set")) return parse_set();
  if (token.is_name("with")) return parse_with();
  if (token.is_name("macro")) return parse_macro();
  if (token.is_name("call")) return parse_call_block();
  if (token.is_name("filter")) return parse_filter_block();
  if (token.is_name("generation")) return parse_generation();
  if (token.is_name("break") || token.is_name("continue")) return parse_loop_control();
  fail("a statement: if, for, set, with, macro, call, filter, generation, break or continue");
}

std::string Parser::take_end() {
  auto name = advance().text;
  return name;
}

StatementPtr Parser::parse_if() {
  auto node = node_at<If>(advance().place);
  for (;;) {
    auto test = parse_tuple(false, false);
    expect_block_end();
    node->branches.emplace_back(std::move(test), parse_block({"elif", "else", "endif"}));
    const auto end = take_end();
    if (end == "elif") continue;
    if (end == "else") {
      expect_block_end();
      node->otherwise = parse_block({"endif"});
      take_end();
    }
    expect_block_end();
    return node;
  }
}

StatementPtr Parser::parse_for() {
  auto node = node_at<For>(advance().place);
  node->target = parse_target(false);
  if (!take_name("in")) fail("'in'");
  node->iterable = parse_tuple(false, false);
  if (take_name("if")) node->filter = parse_expression();
  if (current().is_name("recursive")) fail("a loop that does not call itself");
  expect_block_end();
  ++loops_;
  node->body = parse_block({"else", "endfor"});
  --loops_;
  if (take_end() == "else") {
    expect_block_end();
    node->otherwise = parse_block({"endfor"});
    take_end();
  }
  expect_block_end();
  return node;
}

Target Parser::parse_single_target(bool with_attribute) {
  Target target;
  target.place = current().place;
  if (take_operator("(")) {
    target = parse_target(with_attribute);
    expect_operator(")");
    return target;
  }
  target.name = expect_name();
  constexpr std::string_view kConstants[] = {"true", "false", "none", "True", "False", "None"};
  if (std::find(std::begin(kConstants), std::end(kConstants), target.name) != std::end(kConstants))
    fail_at(target.place, format("found '{}', expected a name that can be set", target.name));
  if (with_attribute && take_operator(".")) target.attribute = expect_name();
  return target;
}

Target Parser::parse_target(bool with_attribute) {
  const Level level(*this);
  Target first = parse_single_target(with_attribute);
  if (!current().is_operator(",")) return first;
  Target tuple;
  tuple.place = first.place;
  tuple.parts.push_back(std::move(first));
  while (take_operator(",") && (current().kind == TokenKind::kName || current().is_operator("(")) &&
         !current().is_name("in"))
    tuple.parts.push_back(parse_single_target(with_attribute));
  return tuple;
}

StatementPtr Parser::parse_set() {
  auto node = node_at<Set>(advance().place);
  node->target = parse_target(true);
  if (take_operator("=")) {
    node->value = parse_tuple(true, false);
  } else {
    if (take_operator("|")) node->filters = parse_filter_chain();
    expect_block_end();
    const int loops_around = std::exchange(loops_, 0);
    node->body = parse_block({"endset"});
    loops_ = loops_around;
    take_end();
  }
  expect_block_end();
  return node;
}

StatementPtr Parser::parse_with() {
  auto node = node_at<With>(advance().place);
  while (current().kind != TokenKind::kBlockEnd) {
    if (!node->variables.empty()) expect_operator(",");
    auto target = parse_target(false);
    expect_operator("=");
    node->variables.emplace_back(std::move(target), parse_expression());
  }
  expect_block_end();
  node->body = parse_block({"endwith"});
  take_end();
  expect_block_end();
  return node;
}

void Parser::parse_parameters(MacroBody& macro) {
  expect_operator("(");
  while (!take_operator(")")) {
    if (!macro.parameters.empty()) expect_operator(",");
    if (take_operator(")")) return;
    auto name = expect_name();
    ExpressionPtr otherwise;
    if (take_operator("="))
      otherwise = parse_expression();
    else if (!macro.parameters.empty() && macro.parameters.back().second)
      fail("a default value behind a parameter that has one");
    macro.parameters.emplace_back(std::move(name), std::move(otherwise));
  }
}

/// From the `%}` behind the head to the `%}` behind the end.
MacroBody Parser::parse_macro_body(MacroBody macro, const char* end) {
  expect_block_end();
  macros_.push_back(&macro);
  const int loops_around = std::exchange(loops_, 0);
  macro.body = parse_block({end});
  loops_ = loops_around;
  macros_.pop_back();
  take_end();
  expect_block_end();
  return macro;
}

StatementPtr Parser::parse_macro() {
  auto node = node_at<MacroDefinition>(advance().place);
  node->macro.name = expect_name();
  parse_parameters(node->macro);
  node->macro = parse_macro_body(std::move(node->macro), "endmacro");
  return node;
}

StatementPtr Parser::parse_call_block() {
  auto node = node_at<CallBlock>(advance().place);
  node->caller.name = "caller";
  if (current().is_operator("(")) parse_parameters(node->caller);
  const Place place = current().place;
  auto expression = parse_unary(false);
  const auto* call = dynamic_cast<const Call*>(expression.get());
  if (!call) fail_at(place, "found no call, expected 'call MACRO(...)'");
  expression.release();
  node->call.reset(call);
  node->caller = parse_macro_body(std::move(node->caller), "endcall");
  return node;
}

std::vector<std::unique_ptr<const FilterUse>> Parser::parse_filter_chain() {
  std::vector<std::unique_ptr<const FilterUse>> filters;
  do filters.push_back(parse_filter(nullptr));
  while (take_operator("|"));
  return filters;
}

StatementPtr Parser::parse_filter_block() {
  auto node = node_at<FilterBlock>(advance().place);
  node->filters = parse_filter_chain();
  expect_block_end();
  const int loops_around = std::exchange(loops_, 0);
  node->body = parse_block({"endfilter"});
  loops_ = loops_around;
  take_end();
  expect_block_end();
  return node;
}

StatementPtr Parser::parse_generation() {
  auto node = node_at<Generation>(advance().place);
  tree_.has_generation = true;
  expect_block_end();
  const int loops_around = std::exchange(loops_, 0);
  node->body = parse_block({"endgeneration"});
  loops_ = loops_around;
  take_end();
  expect_block_end();
  return node;
}

StatementPtr Parser::parse_loop_control() {
  auto node = node_at<LoopControl>(current().place);
  if (loops_ == 0) fail("a loop around 'break' and 'continue'");
  node->flow = advance().text == "break" ? Flow::kBreak : Flow::kContinue;
  expect_block_end();
  return node;
}

}  // namespace sqpsych::jinja
