#include "models/chat_templates/conversation_values.h"

#include <algorithm>
#include <cctype>

#include "core/error.h"
#include "core/text.h"

namespace sqpsych::chat_templates {
namespace {

constexpr const char* kBetweenMerged = "\n\n";

struct MessageText {
  std::string role;
  jinja::Text content;
  jinja::Source source = 0;
};

/// A role stands where the template is parsed for special tokens, so it must not contain one.
bool is_plain_word(const std::string& role) {
  return !role.empty() && std::all_of(role.begin(), role.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-';
  });
}

void check(const Conversation& messages, const std::string& where) {
  if (messages.empty())
    throw ConfigError(format("{}: found no messages, expected at least one.", where));
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const std::size_t invalid = find_invalid_utf8(messages[i].content);
    if (invalid != std::string::npos)
      throw FormatError(format(
          "{}: message {}: found bytes that are not UTF-8 at offset {}, expected UTF-8 text.",
          where, i + 1, invalid));
    if (!is_plain_word(messages[i].role))
      throw ConfigError(format(
          "{}: message {}: found role '{}', expected a word such as system, user or assistant.",
          where, i + 1, messages[i].role));
  }
}

/// What stands between counts as content of the message behind it.
void append_merged(jinja::Text& text, const MessageText& next) {
  text.append(jinja::Text(kBetweenMerged, next.source));
  text.append(next.content);
}

std::vector<MessageText> with_system_in_user(std::vector<MessageText> messages) {
  std::vector<MessageText> merged;
  for (auto& message : messages) {
    const bool follows_system = !merged.empty() && merged.back().role == "system";
    if (follows_system && (message.role == "user" || message.role == "system")) {
      append_merged(merged.back().content, message);
      merged.back().role = message.role;
      merged.back().source = message.source;
    } else {
      merged.push_back(std::move(message));
    }
  }
  return merged;
}

std::vector<MessageText> with_consecutive_joined(std::vector<MessageText> messages) {
  std::vector<MessageText> merged;
  for (auto& message : messages) {
    if (!merged.empty() && merged.back().role == message.role)
      append_merged(merged.back().content, message);
    else
      merged.push_back(std::move(message));
  }
  return merged;
}

jinja::Value text_value(std::string_view text) { return jinja::Value(text); }

}  // namespace

jinja::Value message_values(const Conversation& messages, const ChatTemplateOptions& options,
                            const std::string& where) {
  check(messages, where);
  std::vector<MessageText> texts;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const auto source = static_cast<jinja::Source>(i + 1);
    texts.push_back({messages[i].role, jinja::Text(messages[i].content, source), source});
  }
  if (options.merge_system) texts = with_system_in_user(std::move(texts));
  if (options.merge_consecutive) texts = with_consecutive_joined(std::move(texts));
  std::vector<jinja::Value> values;
  for (auto& message : texts)
    values.push_back(jinja::make_dict({{text_value("role"), text_value(message.role)},
                                       {text_value("content"), jinja::Value(message.content)}},
                                      message.source));
  return jinja::make_list(std::move(values));
}

}  // namespace sqpsych::chat_templates
