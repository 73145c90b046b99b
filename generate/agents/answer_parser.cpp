#include "generate/agents/answer_parser.h"

#include <algorithm>
#include <cctype>
#include <optional>

#include "core/text.h"

namespace sqpsych {
namespace {

constexpr std::string_view kOpenThink = "<think>";
constexpr std::string_view kCloseThink = "</think>";

bool equal_ignoring_case(std::string_view left, std::string_view right) {
  return to_lower_ascii(left) == to_lower_ascii(right);
}

std::size_t skip(std::string_view text, std::size_t position, std::string_view characters) {
  while (position < text.size() && characters.find(text[position]) != std::string_view::npos)
    ++position;
  return position;
}

/// Length of `Label:` at `position`, with bold marks and blanks around it; 0 when none is there.
std::size_t label_length(std::string_view text, std::size_t position,
                         const std::vector<std::string>& labels) {
  const auto begin = skip(text, position, " \t*_#>");
  for (const auto& label : labels) {
    if (!equal_ignoring_case(text.substr(begin, label.size()), label)) continue;
    auto end = skip(text, begin + label.size(), " *_");
    if (end >= text.size() || text[end] != ':') continue;
    return skip(text, end + 1, " \t*_") - position;
  }
  return 0;
}

/// First label at the start of a line.
std::optional<std::size_t> find_line_label(std::string_view text,
                                           const std::vector<std::string>& labels) {
  for (std::size_t line = 0; line < text.size();) {
    if (label_length(text, line, labels) > 0) return line;
    const auto next = text.find('\n', line);
    if (next == std::string_view::npos) break;
    line = next + 1;
  }
  return std::nullopt;
}

/// First label of another speaker: at the start of a line, or right behind a sentence's end.
std::optional<std::size_t> find_other_speaker(std::string_view text,
                                              const std::vector<std::string>& labels) {
  auto found = find_line_label(text, labels);
  for (std::size_t i = 1; i + 1 < text.size(); ++i) {
    if (found && i >= *found) break;
    const bool sentence_end = std::string_view(".!?\"])").find(text[i - 1]) != std::string::npos;
    if (sentence_end && text[i] == ' ' && label_length(text, i + 1, labels) > 0) return i;
  }
  return found;
}

void take_reasoning(std::string& text, Answer& answer) {
  const auto close = text.rfind(kCloseThink);
  if (close != std::string::npos) {
    auto begin = text.find(kOpenThink);
    begin = begin == std::string::npos || begin > close ? 0 : begin;
    const auto content =
        begin == 0 && text.rfind(kOpenThink, 0) != 0 ? 0 : begin + kOpenThink.size();
    answer.reasoning = std::string(trim(std::string_view(text).substr(content, close - content)));
    text.erase(begin, close + kCloseThink.size() - begin);
    answer.cuts.push_back("reasoning");
  }
  const auto open = text.find(kOpenThink);
  if (open == std::string::npos) return;
  answer.reasoning = std::string(trim(std::string_view(text).substr(open + kOpenThink.size())));
  answer.failure = "reasoning_unfinished";
}

/// Length of an end token at `position` (which holds an opening bracket): the configured word in
/// square or angle brackets, with or without slash, blanks and case as they come. The closing
/// bracket may be missing only where the text ends.
std::size_t end_token_length(std::string_view text, std::size_t position, std::string_view word) {
  const char open = text[position];
  const char close = open == '[' ? ']' : '>';
  auto i = skip(text, position + 1, " ");
  const bool slash = i < text.size() && (text[i] == '/' || text[i] == '\\');
  if (slash) i = skip(text, i + 1, " ");
  if (!equal_ignoring_case(text.substr(i, word.size()), word)) return 0;
  i = skip(text, i + word.size(), " ");
  if (i < text.size() && text[i] == close) return i + 1 - position;
  return i == text.size() && slash ? i - position : 0;
}

void take_end_tokens(std::string& text, const std::string& end_token, Answer& answer) {
  std::string word;
  for (const char c : end_token)
    if (std::isalnum(static_cast<unsigned char>(c)) || c == '_') word += c;
  if (word.empty()) return;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '[' && text[i] != '<') continue;
    const auto length = end_token_length(text, i, word);
    if (length == 0) continue;
    auto begin = i;
    while (begin > 0 && text[begin - 1] == '*') --begin;
    const auto end = skip(text, i + length, "*");
    text.replace(begin, end - begin, "");
    answer.ended = true;
    i = begin == 0 ? std::string::npos : begin - 1;
  }
  if (answer.ended) answer.cuts.push_back("end_token");
}

void take_labels(std::string& text, const AnswerRules& rules, Answer& answer) {
  const auto own = find_line_label(text, rules.own_labels);
  const auto other = find_other_speaker(text, rules.other_labels);
  if (own && *own > 0 && (!other || *own < *other)) {
    text.erase(0, *own);
    answer.cuts.push_back("preamble");
  }
  if (const auto position = find_other_speaker(text, rules.other_labels)) {
    text.erase(*position);
    answer.cuts.push_back("other_speaker");
  }
  while (const auto position = find_line_label(text, rules.own_labels)) {
    text.erase(*position, label_length(text, *position, rules.own_labels));
    if (answer.cuts.empty() || answer.cuts.back() != "label") answer.cuts.push_back("label");
  }
}

void take_word_count(std::string& text, Answer& answer) {
  if (!text.ends_with(" words)")) return;
  const auto open = text.rfind('(');
  const auto digits = std::string_view(text).substr(open + 1, text.size() - open - 8);
  if (open == std::string::npos || digits.empty() ||
      !std::all_of(digits.begin(), digits.end(), [](unsigned char c) { return std::isdigit(c); }))
    return;
  text = std::string(trim(std::string_view(text).substr(0, open)));
  answer.cuts.push_back("word_count");
}

void take_quotes(std::string& text, Answer& answer) {
  const auto inner = [&](std::string_view open, std::string_view close) {
    if (text.size() <= open.size() + close.size() || !text.starts_with(open) ||
        !text.ends_with(close))
      return false;
    const auto content =
        std::string_view(text).substr(open.size(), text.size() - open.size() - close.size());
    if (content.find(open) != std::string_view::npos ||
        content.find(close) != std::string_view::npos)
      return false;
    text = std::string(trim(content));
    return true;
  };
  if (inner("\"", "\"") || inner("\u201c", "\u201d") || inner("\u201e", "\u201c"))
    answer.cuts.push_back("quotes");
}

}  // namespace

Answer parse_answer(std::string_view raw, const AnswerRules& rules) {
  Answer answer;
  std::string text(raw);
  take_reasoning(text, answer);
  if (!answer.failure.empty()) return answer;
  for (const auto& drop : rules.drop_texts) text = replace_all(text, drop, "");
  text = std::string(trim(replace_all(text, "\r\n", "\n")));
  take_labels(text, rules, answer);
  take_end_tokens(text, rules.end_token, answer);
  text = std::string(trim(text));
  take_word_count(text, answer);
  take_quotes(text, answer);
  answer.text = std::move(text);
  if (answer.text.empty()) answer.failure = "empty";
  return answer;
}

std::string normalised_words(std::string_view text) {
  std::string words;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) || byte >= 0x80) {
      words += static_cast<char>(std::tolower(byte));
    } else if (!words.empty() && words.back() != ' ') {
      words += ' ';
    }
  }
  return std::string(trim(words));
}

std::string trim_to_sentence(std::string_view text) {
  const auto end = text.find_last_of(".!?");
  return std::string(end == std::string_view::npos ? text : text.substr(0, end + 1));
}

}  // namespace sqpsych
