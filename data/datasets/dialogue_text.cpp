#include "data/datasets/dialogue_text.h"

#include "core/text.h"

namespace sqpsych {

namespace {

constexpr std::size_t kLongestSuffixBytes = 60;

std::size_t spaces_at(std::string_view text, std::size_t position) {
  std::size_t end = position;
  while (end < text.size() && (text[end] == ' ' || text[end] == '\t')) ++end;
  return end - position;
}

/// Bytes of the first of `marks` that `text` has at `position`; 0 when none.
std::size_t mark_at(std::string_view text, std::size_t position,
                    std::initializer_list<std::string_view> marks) {
  for (const auto mark : marks)
    if (text.substr(position).starts_with(mark)) return mark.size();
  return 0;
}

/// Position behind ` 2` or ` (as her mother)`.
std::size_t skip_suffix(std::string_view text, std::size_t position) {
  std::size_t end = position + spaces_at(text, position);
  const std::size_t digits = end;
  while (end < text.size() && text[end] >= '0' && text[end] <= '9') ++end;
  if (end > digits) return end;
  const std::size_t open = mark_at(text, end, {"(", "（"});
  if (open == 0) return position;
  for (const std::string_view close : {std::string_view(")"), std::string_view("）")}) {
    const std::size_t found = text.find(close, end);
    if (found != std::string_view::npos && found - end <= kLongestSuffixBytes)
      return found + close.size();
  }
  return position;
}

std::size_t label_bytes(std::string_view text, const std::string& label) {
  const std::size_t start = spaces_at(text, 0);
  std::size_t position = start + mark_at(text, start, {"**"});
  if (to_lower_ascii(text.substr(position, label.size())) != to_lower_ascii(label)) return 0;
  position = skip_suffix(text, position + label.size());
  position += mark_at(text, position, {"**"});
  position += spaces_at(text, position);
  const std::size_t colon = mark_at(text, position, {":", "："});
  if (colon == 0) return 0;
  position += colon;
  position += mark_at(text, position, {"**"});
  return position + spaces_at(text, position);
}

std::size_t any_label(std::string_view text, const std::vector<std::string>& labels) {
  for (const auto& label : labels)
    if (const std::size_t bytes = label_bytes(text, label)) return bytes;
  return 0;
}

}  // namespace

const DialogueLabels& english_labels() {
  static const DialogueLabels labels = {{"Therapist", "Counselor", "Counsellor"},
                                        {"Client", "Patient"}};
  return labels;
}

const DialogueLabels& chinese_labels() {
  static const DialogueLabels labels = {{"心理咨询师", "咨询师", "支持者"}, {"来访者", "求助者"}};
  return labels;
}

std::size_t leading_label(std::string_view text, const DialogueLabels& labels,
                          std::string& speaker) {
  if (const std::size_t bytes = any_label(text, labels.counselor)) {
    speaker = "counselor";
    return bytes;
  }
  const std::size_t bytes = any_label(text, labels.client);
  if (bytes > 0) speaker = "client";
  return bytes;
}

Dialogue parse_dialogue(std::string_view text, const DialogueLabels& labels) {
  Dialogue dialogue;
  for (const auto& raw_line : split(text, "\n")) {
    const std::string_view line = trim(raw_line);
    std::string speaker;
    const std::size_t bytes = leading_label(line, labels, speaker);
    if (bytes > 0) dialogue.turns.push_back({speaker, "", true});
    std::string& target = dialogue.turns.empty() ? dialogue.leading : dialogue.turns.back().text;
    if (bytes == 0 && !target.empty()) target += "\n";
    target += line.substr(bytes);
  }
  for (auto& turn : dialogue.turns) turn.text = std::string(trim(turn.text));
  dialogue.leading = std::string(trim(dialogue.leading));
  return dialogue;
}

}  // namespace sqpsych
