#include <algorithm>

#include "models/chat_templates/jinja/parser.h"

namespace sqpsych::jinja {
namespace {

bool is_comparison(const Token& token) {
  constexpr std::string_view kSymbols[] = {"==", "!=", "<", "<=", ">", ">="};
  return token.kind == TokenKind::kOperator &&
         std::find(std::begin(kSymbols), std::end(kSymbols), token.text) != std::end(kSymbols);
}

}  // namespace

ExpressionPtr Parser::parse_expression() {
  const Level level(*this);
  auto expression = parse_or();
  for (int links = 0; current().is_name("if"); count_link(links)) {
    auto conditional = node_at<Conditional>(advance().place);
    conditional->then = std::move(expression);
    conditional->test = parse_or();
    if (take_name("else")) conditional->otherwise = parse_expression();
    expression = std::move(conditional);
  }
  return expression;
}

ExpressionPtr Parser::parse_or() {
  auto left = parse_and();
  for (int links = 0; current().is_name("or"); count_link(links)) {
    auto logic = node_at<Logic>(advance().place);
    logic->is_and = false;
    logic->left = std::move(left);
    logic->right = parse_and();
    left = std::move(logic);
  }
  return left;
}

ExpressionPtr Parser::parse_and() {
  auto left = parse_not();
  for (int links = 0; current().is_name("and"); count_link(links)) {
    auto logic = node_at<Logic>(advance().place);
    logic->left = std::move(left);
    logic->right = parse_not();
    left = std::move(logic);
  }
  return left;
}

ExpressionPtr Parser::parse_not() {
  if (!current().is_name("not")) return parse_comparison();
  const Level level(*this);
  auto unary = node_at<Unary>(advance().place);
  unary->symbol = '!';
  unary->operand = parse_not();
  return unary;
}

ExpressionPtr Parser::parse_comparison() {
  const Place place = current().place;
  auto first = parse_sum();
  auto comparison = node_at<Comparison>(place);
  for (;;) {
    std::string symbol;
    if (is_comparison(current())) {
      symbol = advance().text;
    } else if (take_name("in")) {
      symbol = "in";
    } else if (current().is_name("not") && following().is_name("in")) {
      advance(), advance();
      symbol = "not in";
    } else {
      break;
    }
    comparison->rest.emplace_back(symbol, parse_sum());
  }
  if (comparison->rest.empty()) return first;
  comparison->first = std::move(first);
  return comparison;
}

ExpressionPtr Parser::parse_sum() {
  auto left = parse_concatenation();
  for (int links = 0; current().is_operator("+") || current().is_operator("-"); count_link(links)) {
    auto sum = node_at<Arithmetic>(current().place);
    sum->symbol = advance().text;
    sum->left = std::move(left);
    sum->right = parse_concatenation();
    left = std::move(sum);
  }
  return left;
}

ExpressionPtr Parser::parse_concatenation() {
  auto first = parse_product();
  if (!current().is_operator("~")) return first;
  auto concatenation = node_at<Concatenation>(current().place);
  concatenation->parts.push_back(std::move(first));
  while (take_operator("~")) concatenation->parts.push_back(parse_product());
  return concatenation;
}

ExpressionPtr Parser::parse_product() {
  auto left = parse_power();
  const auto is_product = [](const Token& token) {
    return token.is_operator("*") || token.is_operator("/") || token.is_operator("//") ||
           token.is_operator("%");
  };
  for (int links = 0; is_product(current()); count_link(links)) {
    auto product = node_at<Arithmetic>(current().place);
    product->symbol = advance().text;
    product->left = std::move(left);
    product->right = parse_power();
    left = std::move(product);
  }
  return left;
}

ExpressionPtr Parser::parse_power() {
  auto left = parse_unary(true);
  for (int links = 0; current().is_operator("**"); count_link(links)) {
    auto power = node_at<Arithmetic>(current().place);
    power->symbol = advance().text;
    power->left = std::move(left);
    power->right = parse_unary(true);
    left = std::move(power);
  }
  return left;
}

ExpressionPtr Parser::parse_unary(bool with_filters) {
  const Level level(*this);
  ExpressionPtr expression;
  if (current().is_operator("-") || current().is_operator("+")) {
    auto unary = node_at<Unary>(current().place);
    unary->symbol = advance().text[0];
    unary->operand = parse_unary(false);
    expression = std::move(unary);
  } else {
    expression = parse_primary();
  }
  expression = parse_postfix(std::move(expression));
  return with_filters ? parse_filters(std::move(expression)) : std::move(expression);
}

}  // namespace sqpsych::jinja
