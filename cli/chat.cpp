#include <unistd.h>

#include <iostream>

#include "cli/command.h"
#include "cli/model_flags.h"
#include "core/interrupt.h"
#include "core/log.h"
#include "models/engine/chat_session.h"

namespace sqpsych {
namespace {

constexpr const char* kBanner =
    "This is for research and education, not for patients, not for crises.\n"
    "In an emergency call your local emergency number.\n"
    "/help lists the commands; Ctrl-C ends a reply, once more leaves.\n";
constexpr const char* kHelp =
    "/help   this list\n/reset  forget the conversation\n/quit   leave (also Ctrl-D)\n";

struct ChatFlags {
  ConfigFlags config;
  ModelFlags model;
};

/// Streams one reply to stdout.
void reply(ChatSession& session, const std::string& line) {
  try {
    const auto generation = session.say(line, [](std::string_view piece) {
      std::cout << piece << std::flush;
      return static_cast<bool>(std::cout);
    });
    std::cout << "\n" << std::flush;
    if (session.forgotten() > 0)
      log_info(
          format("chat: the {} oldest messages no longer fit into the context and were left out",
                 session.forgotten()));
    if (generation.stop_reason == "max_tokens" || generation.stop_reason == "context_full")
      log_info("chat: the reply was cut off (" + generation.stop_reason + ")");
  } catch (const ConfigError& error) {
    log_warning(error.what());
  }
  // The signal that ended the reply is used up; the next one, at the prompt, leaves.
  set_interrupt_requested(false);
}

/// Lines of stdin.
class Input {
 public:
  bool is_terminal() const { return is_terminal_; }

  /// False at the end of input or when a signal came at the prompt.
  bool read_line(std::string& line) {
    if (is_terminal_) std::cerr << "you> " << std::flush;
    std::size_t end = 0;
    while ((end = buffer_.find('\n')) == std::string::npos)
      if (!read_more()) break;
    if (interrupt_requested() || (end == std::string::npos && buffer_.empty())) return false;
    line = buffer_.substr(0, end);
    buffer_.erase(0, end == std::string::npos ? end : end + 1);
    return true;
  }

 private:
  /// The terminal stays in canonical mode: a read gives at most a line.
  bool read_more() {
    char bytes[4096];
    if (!wait_for_input(STDIN_FILENO)) return false;
    const auto count = read(STDIN_FILENO, bytes, sizeof bytes);
    if (count > 0) buffer_.append(bytes, static_cast<std::size_t>(count));
    return count > 0;
  }

  const bool is_terminal_ = isatty(STDIN_FILENO) == 1;
  std::string buffer_;
};

ExitCode run(const ChatFlags& flags) {
  const auto config = load_config<CompletionConfig>(flags.config.config, flags.config.sets);
  if (printed_config(flags.config, config_to_json(config))) return ExitCode::kDone;
  auto model = load_flagged_model(flags.model, config.model, flags.config.check);
  if (flags.config.check) {
    chat_template_of(model, config.model);
    std::cout << "checked   model, tokenizer and chat template are there\n";
    return ExitCode::kDone;
  }
  ChatSession session(model, config);
  std::cerr << kBanner;
  Input input;
  std::string line;
  while (input.read_line(line)) {
    const auto text = std::string(trim(line));
    if (text.empty()) continue;
    if (text == "/quit" || text == "/exit") break;
    if (text == "/reset") {
      session.reset();
      std::cerr << "The conversation is forgotten.\n";
    } else if (text == "/help") {
      std::cerr << kHelp;
    } else if (text[0] == '/') {
      std::cerr << "Unknown command " << text << ".\n" << kHelp;
    } else {
      reply(session, text);
    }
  }
  if (input.is_terminal()) std::cerr << "\n";
  return interrupt_requested() ? ExitCode::kInterrupted : ExitCode::kDone;
}

}  // namespace

void add_chat_command(CLI::App& app, ExitCode& result) {
  auto* command = app.add_subcommand("chat", "talk with a model in the terminal");
  auto flags = std::make_shared<ChatFlags>();
  add_model_flags(*command, flags->model);
  add_config_flags(*command, flags->config, ConfigFile::kOptional, settings_of<CompletionConfig>);
  command->footer(
      "Example:\n"
      "  sqpsych chat --model work/model.gguf --set max_tokens=200");
  command->callback([flags, &result] { result = run(*flags); });
}

}  // namespace sqpsych
