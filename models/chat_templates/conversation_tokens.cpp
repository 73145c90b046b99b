#include <algorithm>

#include "core/log.h"
#include "core/text.h"
#include "models/chat_templates/chat_template.h"

namespace sqpsych {
namespace {

/// A control token belongs where it begins (it may have swallowed white space behind it); an
/// ordinary one counts as soon as one of its bytes does. An empty range stands at its place.
bool is_supervised(ByteSpan token, bool is_control, const std::vector<ByteSpan>& supervised) {
  return std::any_of(supervised.begin(), supervised.end(), [&](ByteSpan range) {
    const bool begins_inside = token.begin >= range.begin && token.begin < range.end;
    const bool overlaps = token.begin < range.end && token.end > range.begin;
    return begins_inside || (overlaps && !is_control);
  });
}

void warn_of_missing_markers(const Tokenizer& tokenizer, const ChatTemplate& chat_template) {
  std::vector<std::string> missing;
  for (const auto& marker : chat_template.markers())
    if (!tokenizer.id_of(marker)) missing.push_back(marker);
  if (!missing.empty())
    warn_once(format(
        "chat template '{}': {} not in the vocabulary; they become several ordinary pieces each.",
        chat_template.name(), quoted_list(missing) + (missing.size() == 1 ? " is" : " are")));
}

}  // namespace

TokenizedRow tokenize_conversation(const Tokenizer& tokenizer, const ChatTemplate& chat_template,
                                   const Conversation& messages, bool add_generation_prompt) {
  warn_of_missing_markers(tokenizer, chat_template);
  const Rendering rendering = chat_template.render(messages, add_generation_prompt);
  const Encoding encoding =
      tokenizer.encode(rendering.text, {false, rendering.contents, rendering.markers});
  TokenizedRow row;
  const bool lacks_bos =
      tokenizer.adds_bos() && (encoding.ids.empty() || encoding.ids.front() != *tokenizer.bos());
  if (lacks_bos) row.ids.push_back(*tokenizer.bos());
  row.ids.insert(row.ids.end(), encoding.ids.begin(), encoding.ids.end());
  row.supervised.assign(row.ids.size(), 0);
  for (std::size_t i = 0; i < encoding.ids.size(); ++i)
    row.supervised[i + (lacks_bos ? 1 : 0)] = is_supervised(
        encoding.spans[i], tokenizer.is_control(encoding.ids[i]), rendering.supervised);
  if (!row.supervised.empty()) row.supervised.front() = 0;
  return row;
}

}  // namespace sqpsych
