#include "models/chat_templates/supervision.h"

#include <algorithm>

namespace sqpsych::chat_templates {
namespace {

std::vector<jinja::Mark> content_marks(const jinja::Text& text) {
  std::vector<jinja::Mark> marks;
  for (const auto& mark : text.marks)
    if (mark.source != jinja::kGenerated) marks.push_back(mark);
  std::stable_sort(marks.begin(), marks.end(), [](const auto& left, const auto& right) {
    return std::pair(left.begin, left.end) < std::pair(right.begin, right.end);
  });
  return marks;
}

/// Adds a range that begins no earlier than the ones before it.
void add(ByteSpan span, std::vector<ByteSpan>& spans) {
  if (span.begin == span.end) return;
  if (!spans.empty() && span.begin <= spans.back().end)
    spans.back().end = std::max(spans.back().end, span.end);
  else
    spans.push_back(span);
}

/// A generation block counts unless everything it shows of messages has weight 0.
bool block_counts_in_loss(const jinja::Mark& block, const std::vector<jinja::Mark>& marks,
                          const Conversation& messages) {
  bool shows_message = false;
  for (const auto& mark : marks) {
    if (mark.begin < block.begin || mark.end > block.end) continue;
    const Message& message = messages[mark.source - 1];
    if (message.weight.value_or(1) != 0) return true;
    shows_message = true;
  }
  return !shows_message;
}

std::vector<ByteSpan> generated_spans(const jinja::Text& text, const Conversation& messages) {
  const auto marks = content_marks(text);
  std::vector<jinja::Mark> blocks;
  for (const auto& mark : text.marks)
    if (mark.source == jinja::kGenerated && block_counts_in_loss(mark, marks, messages))
      blocks.push_back(mark);
  std::sort(blocks.begin(), blocks.end(),
            [](const auto& left, const auto& right) { return left.begin < right.begin; });
  std::vector<ByteSpan> spans;
  for (const auto& block : blocks) add({block.begin, block.end}, spans);
  return spans;
}

}  // namespace

ControlTexts::ControlTexts(const std::vector<std::string>& texts) {
  for (const auto& text : texts)
    if (!text.empty()) by_first_byte_[static_cast<unsigned char>(text[0])].push_back(text);
  for (auto& list : by_first_byte_)
    std::sort(list.begin(), list.end(),
              [](const auto& left, const auto& right) { return left.size() > right.size(); });
}

ByteSpan ControlTexts::find(std::string_view text, std::size_t begin, std::size_t end) const {
  for (std::size_t i = begin; i < end; ++i)
    for (const auto& control : by_first_byte_[static_cast<unsigned char>(text[i])])
      if (text.substr(i, end - i).starts_with(control)) return {i, i + control.size()};
  return {end, end};
}

std::vector<ByteSpan> content_spans(const jinja::Text& text) {
  std::vector<ByteSpan> spans;
  for (const auto& mark : content_marks(text)) add({mark.begin, mark.end}, spans);
  return spans;
}

std::vector<ByteSpan> supervised_spans(const jinja::Text& text, const Conversation& messages,
                                       const ControlTexts& controls, bool by_generation) {
  if (by_generation) return generated_spans(text, messages);
  const auto marks = content_marks(text);
  std::vector<ByteSpan> spans;
  for (std::size_t i = 0; i < marks.size();) {
    const auto source = marks[i].source;
    const std::size_t begin = marks[i].begin;
    std::size_t end = begin;
    for (; i < marks.size() && marks[i].source == source; ++i) end = std::max(end, marks[i].end);
    if (!counts_in_loss(messages[source - 1])) continue;
    const std::size_t limit = i < marks.size() ? std::max(end, marks[i].begin) : text.bytes.size();
    const ByteSpan control = controls.find(text.bytes, end, limit);
    add({begin, control.begin == control.end ? end : control.end}, spans);
  }
  return spans;
}

std::vector<ByteSpan> control_spans(const jinja::Text& text, const ControlTexts& controls) {
  std::vector<ByteSpan> spans;
  const auto scan = [&](std::size_t begin, std::size_t end) {
    for (;;) {
      const ByteSpan found = controls.find(text.bytes, begin, end);
      if (found.begin == found.end) return;
      spans.push_back(found);
      begin = found.end;
    }
  };
  std::size_t done = 0;
  for (const auto& content : content_spans(text)) {
    scan(done, content.begin);
    done = content.end;
  }
  scan(done, text.bytes.size());
  return spans;
}

}  // namespace sqpsych::chat_templates
