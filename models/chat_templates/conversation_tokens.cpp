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

/// How many BOS stand in front, beyond the one that may.
std::size_t surplus_bos(const Tokenizer& tokenizer, const std::vector<TokenId>& ids) {
  std::size_t count = 0;
  while (tokenizer.bos() && count < ids.size() && ids[count] == *tokenizer.bos()) ++count;
  return count > 1 ? count - 1 : 0;
}

/// Messages [first, last] that the template shows as one reply.
struct Reply {
  std::size_t first = 0;
  std::size_t last = 0;
};

std::vector<Reply> trained_replies(const Conversation& messages, bool are_joined) {
  std::vector<Reply> replies;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    if (messages[i].role != "assistant") continue;
    Reply reply = {i, i};
    bool counts = counts_in_loss(messages[i]);
    while (are_joined && i + 1 < messages.size() && messages[i + 1].role == "assistant") {
      counts |= counts_in_loss(messages[++i]);
      reply.last = i;
    }
    if (counts) replies.push_back(reply);
  }
  return replies;
}

/// The conversation up to and with this reply; only the reply counts.
Conversation ending_with(const Conversation& messages, const Reply& reply) {
  Conversation part(messages.begin(),
                    messages.begin() + static_cast<std::ptrdiff_t>(reply.last) + 1);
  for (std::size_t i = 0; i < reply.first; ++i)
    if (part[i].role == "assistant") part[i].weight = 0;
  return part;
}

/// Whether the reply stands in `whole` as it does when nothing follows it.
bool stands_as_said(const ChatTemplate& chat_template, const Conversation& messages,
                    const Reply& reply, const std::string& whole) {
  const auto alone = chat_template.render(ending_with(messages, reply), false);
  if (alone.supervised.empty()) return true;
  return whole.starts_with(alone.text.substr(0, alone.supervised.back().end));
}

/// A template may show a message only while a reply is asked for, e.g. the system's in the last
/// turn: no rendering of a row then equals the prompt at inference.
void warn_of_another_prompt(const ChatTemplate& chat_template, const Conversation& messages,
                            const Reply& reply) {
  if (reply.first == 0 || messages[reply.first - 1].role != "user") return;
  const Conversation asked(messages.begin(),
                           messages.begin() + static_cast<std::ptrdiff_t>(reply.first));
  const auto prompt = chat_template.render(asked, true).text;
  const auto row = chat_template.render(ending_with(messages, reply), false).text;
  if (!row.starts_with(prompt))
    warn_once(format(
        "chat template '{}': a reply is asked for with another text than stands before it in a "
        "training row. Compare both with `sqpsych render`.",
        chat_template.name()));
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
  row.supervised.assign(row.ids.size(), 0);
  for (std::size_t i = surplus_bos(tokenizer, encoding.ids); i < encoding.ids.size(); ++i) {
    row.ids.push_back(encoding.ids[i]);
    row.supervised.push_back(is_supervised(encoding.spans[i], tokenizer.is_control(encoding.ids[i]),
                                           rendering.supervised));
  }
  if (!row.supervised.empty()) row.supervised.front() = 0;
  return row;
}

std::vector<Conversation> training_conversations(const ChatTemplate& chat_template,
                                                 const Conversation& messages) {
  const auto replies = trained_replies(messages, chat_template.options().merge_consecutive);
  const std::string whole = chat_template.render(messages, false).text;
  if (!replies.empty()) warn_of_another_prompt(chat_template, messages, replies.front());
  const bool is_stable = std::all_of(replies.begin(), replies.end(), [&](const Reply& reply) {
    return reply.last + 1 == messages.size() ||
           stands_as_said(chat_template, messages, reply, whole);
  });
  if (is_stable) return {messages};
  warn_once(format(
      "chat template '{}': it renders a reply differently once other messages follow. Every reply "
      "becomes a row of its own that ends with it, as at inference.",
      chat_template.name()));
  std::vector<Conversation> parts;
  for (const auto& reply : replies) parts.push_back(ending_with(messages, reply));
  return parts;
}

}  // namespace sqpsych
