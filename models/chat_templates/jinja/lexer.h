#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "models/chat_templates/jinja/run.h"

namespace sqpsych::jinja {

enum class TokenKind {
  kData,
  kVariableBegin,
  kVariableEnd,
  kBlockBegin,
  kBlockEnd,
  kName,
  kString,
  kInteger,
  kFloat,
  kOperator,
  kEnd
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::string text;  ///< data, a string's value, a name, an operator, a number without underscores
  Place place;

  bool is_operator(std::string_view wanted) const {
    return kind == TokenKind::kOperator && text == wanted;
  }
  bool is_name(std::string_view wanted) const { return kind == TokenKind::kName && text == wanted; }
};

/// Splits a template as Jinja does with trim_blocks and lstrip_blocks on: the line break behind a
/// block goes, as does the white space before a block on its line; `-` takes white space away, `+`
/// keeps it. One line break at the very end is dropped. TemplateError names `name`.
std::vector<Token> tokens_of(std::string_view source, const std::string& name);

}  // namespace sqpsych::jinja
