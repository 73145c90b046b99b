#include "models/engine/chat_session.h"

#include <algorithm>

#include "core/error.h"
#include "core/random.h"
#include "core/text.h"

namespace sqpsych {

ChatSession::ChatSession(Model& model, const CompletionConfig& config)
    : model_(model),
      config_(config),
      template_(chat_template_of(model, config.model)),
      engine_(model) {
  reset();
}

void ChatSession::reset() {
  history_.clear();
  turn_ = 0;
  if (!config_.system.empty()) history_.push_back({"system", config_.system, std::nullopt});
}

/// Renders the history, forgetting the oldest exchange until the reply has room.
std::vector<TokenId> ChatSession::fitting_prompt() {
  const auto context = model_.decoder->features().context_length;
  const auto room = std::min(config_.sampling.max_tokens, context / 4);
  const std::ptrdiff_t fixed = config_.system.empty() ? 0 : 1;
  forgotten_ = 0;
  for (;;) {
    auto ids = tokenize_conversation(*model_.tokenizer, *template_, history_,
                                     /*add_generation_prompt=*/true)
                   .ids;
    const auto length = static_cast<std::int64_t>(ids.size());
    const bool is_last = static_cast<std::ptrdiff_t>(history_.size()) - fixed <= 1;
    if (length + room <= context || (is_last && length < context)) return ids;
    if (is_last)
      throw ConfigError(
          format("chat: message: found {} tokens, expected less than the model's context of {}. "
                 "Write less.",
                 length, context));
    // A user's message and the reply to it, so that roles keep alternating.
    history_.erase(history_.begin() + fixed, history_.begin() + fixed + 2);
    forgotten_ += 2;
  }
}

Generation ChatSession::say(const std::string& text,
                            const std::function<bool(std::string_view)>& on_text) {
  const auto before = history_;
  try {
    history_.push_back({"user", text, std::nullopt});
    auto request = completion_request(model_, config_, fitting_prompt());
    request.seed = derive_seed({config_.seed, turn_++});
    auto generation = engine_.generate(request, on_text);
    history_.push_back({"assistant", generation.text, std::nullopt});
    return generation;
  } catch (...) {
    history_ = before;
    throw;
  }
}

}  // namespace sqpsych
