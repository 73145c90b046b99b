#pragma once

#include <optional>
#include <string>
#include <vector>

namespace sqpsych {

/// One chat message: role is `system`, `user` or `assistant`.
struct Message {
  std::string role;
  std::string content;
  /// 0 takes an assistant message out of the loss; absent means 1.
  std::optional<double> weight;
};

inline bool counts_in_loss(const Message& message) {
  return message.role == "assistant" && message.weight.value_or(1) != 0;
}

using Conversation = std::vector<Message>;

}  // namespace sqpsych
