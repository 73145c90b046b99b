#include <algorithm>

#include "core/random.h"
#include "core/text.h"
#include "generate/backends/grammar.h"

namespace sqpsych {
namespace {

/// Shorter pieces may be said again: "I see.", a name, an idiom.
constexpr std::int64_t kMemorableWords = 5;

std::int64_t count_words(const std::string& text) {
  return text.empty() ? 0 : 1 + std::count(text.begin(), text.end(), ' ');
}

std::string fill_variables(const std::string& reference,
                           const std::map<std::string, std::string>& variables) {
  const auto dollar = reference.find('$');
  if (dollar == std::string::npos) return reference;
  auto end = reference.find('.', dollar);
  end = end == std::string::npos ? reference.size() : end;
  const auto value = variables.find(reference.substr(dollar + 1, end - dollar - 1));
  SQPSYCH_CHECK(value != variables.end());
  return reference.substr(0, dollar) + value->second + reference.substr(end);
}

bool fits(const Production& production, const Expansion& state) {
  for (const auto& [variable, allowed] : production.when) {
    const auto value = state.variables.find(variable);
    if (value == state.variables.end() ||
        std::find(allowed.begin(), allowed.end(), value->second) == allowed.end())
      return false;
  }
  return std::all_of(production.has.begin(), production.has.end(), [&](const std::string& slot) {
    const auto value = state.slots.find(slot);
    return value != state.slots.end() && !value->second.empty();
  });
}

/// Takes one production out of `left`, drawn by weight.
const Production* draw(std::vector<const Production*>& left, RandomStream& random) {
  double total = 0;
  for (const auto* production : left) total += production->weight;
  double point = random.uniform() * total;
  std::size_t chosen = 0;
  while (chosen + 1 < left.size() && point >= left[chosen]->weight) point -= left[chosen++]->weight;
  const auto* production = left[chosen];
  left.erase(left.begin() + static_cast<std::ptrdiff_t>(chosen));
  return production;
}

std::string tidy(const std::string& text);
std::string expand_rule(const Expansion& state, const std::string& rule, RandomStream& random);

std::string expand_text(const Expansion& state, const std::string& text, RandomStream& random) {
  std::string result;
  for (const auto& piece : parse_production(text)) {
    if (piece.kind == GrammarPiece::Kind::kText) {
      result += piece.text;
    } else if (piece.kind == GrammarPiece::Kind::kSlot) {
      const auto value = state.slots.find(piece.text);
      result += value == state.slots.end() ? "" : value->second;
    } else {
      const auto rule = fill_variables(piece.text, state.variables);
      if (!piece.sticky) {
        result += expand_rule(state, rule, random);
        continue;
      }
      Expansion constant = state;
      constant.said.clear();
      RandomStream own(derive_seed({static_cast<std::int64_t>(state.session_seed), rule}));
      result += expand_rule(constant, rule, own);
    }
  }
  return result;
}

std::string expand_rule(const Expansion& state, const std::string& rule, RandomStream& random) {
  std::vector<const Production*> left;
  for (const auto& production : state.grammar.rule(rule))
    if (fits(production, state)) left.push_back(&production);
  std::string text;
  while (!left.empty()) {
    text = expand_text(state, draw(left, random)->text, random);
    const bool known = count_words(text) >= kMemorableWords &&
                       state.said.find(to_lower_ascii(tidy(text))) != std::string::npos;
    if (!known) break;
  }
  return text;
}

/// One blank between words, none before punctuation, capitals where sentences begin.
std::string tidy(const std::string& text) {
  std::string result;
  for (const char c : text) {
    const bool closes = std::string_view(".,;:!?").find(c) != std::string_view::npos;
    if (closes && !result.empty() && result.back() == ' ') result.pop_back();
    if (c == ' ' && (result.empty() || result.back() == ' ')) continue;
    result += c;
  }
  bool sentence_start = true;
  for (std::size_t i = 0; i < result.size(); ++i) {
    const char c = result[i];
    if (sentence_start && c >= 'a' && c <= 'z') result[i] = static_cast<char>(c - 'a' + 'A');
    if (c == ' ' || c == '"') continue;
    const bool ellipsis = c == '.' && i > 0 && result[i - 1] == '.';
    sentence_start = (c == '.' || c == '!' || c == '?') && !ellipsis;
  }
  return std::string(trim(result));
}

}  // namespace

std::vector<GrammarPiece> parse_production(std::string_view text) {
  std::vector<GrammarPiece> pieces;
  std::size_t position = 0;
  while (position < text.size()) {
    const auto open = text.find_first_of("<{", position);
    if (open != position)
      pieces.push_back(
          {GrammarPiece::Kind::kText, std::string(text.substr(position, open - position)), false});
    if (open == std::string_view::npos) break;
    const auto close = text.find(text[open] == '<' ? '>' : '}', open);
    if (close == std::string_view::npos)
      throw FormatError(format("found '{}' without its closing bracket", text[open]));
    auto name = text.substr(open + 1, close - open - 1);
    const bool sticky = name.starts_with('=');
    if (sticky) name.remove_prefix(1);
    pieces.push_back(
        {text[open] == '<' ? GrammarPiece::Kind::kReference : GrammarPiece::Kind::kSlot,
         std::string(name), sticky});
    position = close + 1;
  }
  return pieces;
}

std::string Expansion::expand(const std::string& rule, RandomStream& random) const {
  return tidy(expand_rule(*this, rule, random));
}

}  // namespace sqpsych
