#include <charconv>

#include "models/chat_templates/jinja/parser.h"

namespace sqpsych::jinja {
namespace {

/// A test without parentheses may be followed by one argument.
bool begins_argument(const Token& token) {
  switch (token.kind) {
    case TokenKind::kName:
      return !token.is_name("else") && !token.is_name("or") && !token.is_name("and");
    case TokenKind::kString:
    case TokenKind::kInteger:
    case TokenKind::kFloat:
      return true;
    default:
      return token.is_operator("[") || token.is_operator("{");
  }
}

}  // namespace

ExpressionPtr Parser::parse_primary() {
  switch (current().kind) {
    case TokenKind::kName:
      return parse_name();
    case TokenKind::kString:
      return parse_string();
    case TokenKind::kInteger:
    case TokenKind::kFloat:
      return parse_number();
    default:
      break;
  }
  if (current().is_operator("[")) return parse_list();
  if (current().is_operator("{")) return parse_dict();
  if (!take_operator("(")) fail("an expression");
  auto inner = parse_tuple(true, true);
  expect_operator(")");
  return inner;
}

ExpressionPtr Parser::parse_name() {
  const Token& token = advance();
  const auto constant = [&](Value value) {
    auto node = node_at<Constant>(token.place);
    node->value = std::move(value);
    return node;
  };
  if (token.text == "true" || token.text == "True") return constant(Value(true));
  if (token.text == "false" || token.text == "False") return constant(Value(false));
  if (token.text == "none" || token.text == "None") return constant(Value(None{}));
  for (MacroBody* macro : macros_) {
    macro->uses_varargs |= token.text == "varargs";
    macro->uses_kwargs |= token.text == "kwargs";
    macro->uses_caller |= token.text == "caller";
  }
  tree_.asks_for_time |= token.text == "strftime_now";
  auto node = node_at<Name>(token.place);
  node->name = token.text;
  return node;
}

ExpressionPtr Parser::parse_string() {
  auto node = node_at<Constant>(current().place);
  std::string text;
  while (current().kind == TokenKind::kString) text += advance().text;
  node->value = Value(Text(text));
  return node;
}

ExpressionPtr Parser::parse_number() {
  const Token& token = advance();
  auto node = node_at<Constant>(token.place);
  const char* begin = token.text.data();
  const char* end = begin + token.text.size();
  std::from_chars_result parsed{};
  if (token.kind == TokenKind::kFloat) {
    double number = 0;
    parsed = std::from_chars(begin, end, number);
    if (parsed.ec == std::errc::result_out_of_range)
      fail_at(token.place, "found a number out of range");
    node->value = Value(number);
  } else {
    const bool has_prefix = token.text.size() > 2 && token.text[0] == '0' && token.text[1] > '9';
    const int base = !has_prefix ? 10 : token.text[1] == 'x' ? 16 : token.text[1] == 'o' ? 8 : 2;
    std::int64_t number = 0;
    parsed = std::from_chars(begin + (has_prefix ? 2 : 0), end, number, base);
    node->value = Value(number);
  }
  if (parsed.ec != std::errc() || parsed.ptr != end)
    fail_at(token.place, "found a number of more than 64 bits, expected a smaller one");
  return node;
}

ExpressionPtr Parser::parse_list() {
  auto list = node_at<ListLiteral>(current().place);
  expect_operator("[");
  while (!take_operator("]")) {
    if (!list->items.empty()) expect_operator(",");
    if (take_operator("]")) break;
    list->items.push_back(parse_expression());
  }
  return list;
}

ExpressionPtr Parser::parse_dict() {
  auto dict = node_at<DictLiteral>(current().place);
  expect_operator("{");
  while (!take_operator("}")) {
    if (!dict->entries.empty()) expect_operator(",");
    if (take_operator("}")) break;
    auto key = parse_expression();
    expect_operator(":");
    dict->entries.emplace_back(std::move(key), parse_expression());
  }
  return dict;
}

bool Parser::at_tuple_end() const {
  return current().kind == TokenKind::kVariableEnd || current().kind == TokenKind::kBlockEnd ||
         current().is_operator(")");
}

ExpressionPtr Parser::parse_tuple(bool with_condition, bool in_parentheses) {
  auto tuple = node_at<ListLiteral>(current().place);
  tuple->kind = ListKind::kTuple;
  bool has_comma = false;
  while (!at_tuple_end()) {
    tuple->items.push_back(with_condition ? parse_expression() : parse_or());
    if (!take_operator(",")) break;
    has_comma = true;
  }
  if (!has_comma && !tuple->items.empty()) return std::move(tuple->items.front());
  if (tuple->items.empty() && !in_parentheses) fail("an expression");
  return tuple;
}

ExpressionPtr Parser::parse_postfix(ExpressionPtr object) {
  for (int links = 0;; count_link(links)) {
    if (current().is_operator("."))
      object = parse_attribute(std::move(object));
    else if (current().is_operator("["))
      object = parse_item(std::move(object));
    else if (current().is_operator("("))
      object = parse_call(std::move(object));
    else
      return object;
  }
}

ExpressionPtr Parser::parse_attribute(ExpressionPtr object) {
  const Place place = advance().place;
  if (current().kind == TokenKind::kInteger) {
    auto access = node_at<ItemAccess>(place);
    access->object = std::move(object);
    access->key = parse_number();
    return access;
  }
  auto access = node_at<AttributeAccess>(place);
  access->object = std::move(object);
  access->name = expect_name();
  return access;
}

ExpressionPtr Parser::parse_item(ExpressionPtr object) {
  const Place place = advance().place;
  ExpressionPtr start;
  if (!current().is_operator(":")) start = parse_expression();
  if (!current().is_operator(":")) {
    auto access = node_at<ItemAccess>(place);
    access->object = std::move(object);
    access->key = std::move(start);
    expect_operator("]");
    return access;
  }
  auto slice = node_at<Slice>(place);
  slice->object = std::move(object);
  slice->start = std::move(start);
  advance();
  if (!current().is_operator(":") && !current().is_operator("]")) slice->stop = parse_expression();
  if (take_operator(":") && !current().is_operator("]")) slice->step = parse_expression();
  expect_operator("]");
  return slice;
}

ExpressionPtr Parser::parse_call(ExpressionPtr callee) {
  auto call = node_at<Call>(current().place);
  call->callee = std::move(callee);
  call->arguments = parse_arguments();
  return call;
}

CallArguments Parser::parse_arguments() {
  CallArguments arguments;
  expect_operator("(");
  bool needs_comma = false;
  while (!take_operator(")")) {
    if (needs_comma) {
      expect_operator(",");
      if (take_operator(")")) break;
    }
    parse_argument(arguments);
    needs_comma = true;
  }
  return arguments;
}

void Parser::parse_argument(CallArguments& arguments) {
  if (take_operator("*")) {
    if (arguments.spread_positional || arguments.spread_named) fail("one '*' before any '**'");
    arguments.spread_positional = parse_expression();
  } else if (take_operator("**")) {
    if (arguments.spread_named) fail("one '**'");
    arguments.spread_named = parse_expression();
  } else if (current().kind == TokenKind::kName && following().is_operator("=")) {
    if (arguments.spread_named) fail("'**' behind all other arguments");
    auto name = advance().text;
    advance();
    arguments.named.emplace_back(std::move(name), parse_expression());
  } else {
    if (arguments.spread_positional || arguments.spread_named || !arguments.named.empty())
      fail("positional arguments before named ones");
    arguments.positional.push_back(parse_expression());
  }
}

ExpressionPtr Parser::parse_filters(ExpressionPtr input) {
  for (int links = 0;; count_link(links)) {
    if (take_operator("|"))
      input = parse_filter(std::move(input));
    else if (current().is_name("is"))
      input = parse_test(std::move(input));
    else if (current().is_operator("("))
      input = parse_call(std::move(input));
    else
      return input;
  }
}

std::string Parser::parse_dotted_name() {
  std::string name = expect_name();
  while (take_operator(".")) name += "." + expect_name();
  return name;
}

std::unique_ptr<FilterUse> Parser::parse_filter(ExpressionPtr input) {
  auto filter = node_at<FilterUse>(current().place);
  filter->input = std::move(input);
  filter->name = parse_dotted_name();
  filter->operation = find_filter(filter->name);
  if (current().is_operator("(")) filter->arguments = parse_arguments();
  return filter;
}

ExpressionPtr Parser::parse_test(ExpressionPtr input) {
  auto test = node_at<TestUse>(advance().place);
  const bool is_negated = take_name("not");
  test->input = std::move(input);
  test->name = parse_dotted_name();
  test->operation = find_test(test->name);
  if (current().is_operator("(")) {
    test->arguments = parse_arguments();
  } else if (begins_argument(current())) {
    if (current().is_name("is")) fail("one test; put parentheses around the first");
    test->arguments.positional.push_back(parse_postfix(parse_primary()));
  }
  if (!is_negated) return test;
  auto negation = node_at<Unary>(test->place);
  negation->symbol = '!';
  negation->operand = std::move(test);
  return negation;
}

}  // namespace sqpsych::jinja
