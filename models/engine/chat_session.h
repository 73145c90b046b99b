#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "models/chat_templates/chat_template.h"
#include "models/engine/completion.h"
#include "models/engine/engine.h"

namespace sqpsych {

/// One conversation with a model. Turns that no longer fit into the context are forgotten from the
/// oldest on; the system message stays.
class ChatSession {
 public:
  /// The model must outlive the session.
  ChatSession(Model& model, const CompletionConfig& config);

  /// Adds the user's text and the reply to the history. ConfigError when even the last message does
  /// not fit; the history is then as before.
  Generation say(const std::string& text, const std::function<bool(std::string_view)>& on_text);
  void reset();
  const Conversation& history() const { return history_; }
  /// Messages forgotten by the last say().
  std::int64_t forgotten() const { return forgotten_; }

 private:
  std::vector<TokenId> fitting_prompt();

  Model& model_;
  CompletionConfig config_;
  std::unique_ptr<ChatTemplate> template_;
  Engine engine_;
  Conversation history_;
  std::int64_t forgotten_ = 0;
  std::int64_t turn_ = 0;
};

}  // namespace sqpsych
