#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "models/chat_templates/jinja/template.h"
#include "models/message.h"
#include "models/tokenizers/tokenizer.h"

namespace sqpsych::chat_templates {

/// Finds texts of control tokens; the longest wins where several begin.
class ControlTexts {
 public:
  explicit ControlTexts(const std::vector<std::string>& texts);
  /// The first one that lies in [begin, end) of `text`; empty at `end` when there is none.
  ByteSpan find(std::string_view text, std::size_t begin, std::size_t end) const;

 private:
  std::array<std::vector<std::string>, 256> by_first_byte_;
};

/// Ranges that came from message contents; sorted, disjoint, not empty.
std::vector<ByteSpan> content_spans(const jinja::Text& text);

/// What the loss counts: for every assistant message whose weight is not 0, from the first to the
/// last byte that came from its content, and on to the end of the first control token behind it
/// that stands before another message's content. With `by_generation` instead what the template's
/// generation blocks wrote, unless it came from messages of weight 0 alone.
std::vector<ByteSpan> supervised_spans(const jinja::Text& text, const Conversation& messages,
                                       const ControlTexts& controls, bool by_generation);

/// Control texts that the template wrote, outside all contents.
std::vector<ByteSpan> control_spans(const jinja::Text& text, const ControlTexts& controls);

}  // namespace sqpsych::chat_templates
