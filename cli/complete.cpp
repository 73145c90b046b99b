#include <algorithm>
#include <iostream>

#include "cli/command.h"
#include "cli/model_flags.h"
#include "cli/usage.h"
#include "core/json_lines.h"
#include "core/log.h"
#include "data/datasets/dataset_row.h"
#include "models/engine/completion.h"

namespace sqpsych {
namespace {

struct CompleteFlags {
  ConfigFlags config;
  ModelFlags model;
  std::string text;
  std::string ids;
  std::string messages;
  std::int64_t tokens = 0;
};

/// The first row of a dataset file or a bare list of messages, up to where the assistant is to
/// speak.
Conversation read_messages(const std::string& file) {
  need_inputs("--messages", {file});
  Conversation messages;
  const auto content = read_file(file);
  const auto first_text = content.find_first_not_of(" \t\r\n\xEF\xBB\xBF");
  const bool is_list = first_text != std::string::npos && content[first_text] == '[';
  const auto list = is_list ? read_json(file) : Json();
  if (is_list && !list.empty() && list[0].is_object() && list[0].contains("role")) {
    messages = dataset_row_from_json({{"messages", list}}, file).messages;
  } else {
    const auto rows = read_dataset_rows(file);
    if (rows.empty() || rows[0].is_raw())
      throw ConfigError(
          format("complete: --messages: found no messages in '{}', expected a row with `messages`.",
                 file));
    if (rows.size() > 1)
      log_info(format("complete: '{}' holds {} rows; the first is used", file, rows.size()));
    messages = rows[0].messages;
  }
  while (!messages.empty() && messages.back().role == "assistant") messages.pop_back();
  if (messages.empty())
    throw ConfigError(format("complete: --messages: found no message to answer in '{}'.", file));
  return messages;
}

std::vector<TokenId> prompt_of(const CompleteFlags& flags, const CompletionConfig& config,
                               Model& model) {
  if (!flags.ids.empty()) return parse_token_ids(flags.ids);
  if (flags.messages.empty()) return text_prompt(model, flags.text);
  auto messages = read_messages(flags.messages);
  if (!config.system.empty() && messages[0].role != "system")
    messages.insert(messages.begin(), {"system", config.system, std::nullopt});
  const auto chat_template = chat_template_of(model, config.model);
  return tokenize_conversation(*model.tokenizer, *chat_template, messages, true).ids;
}

ExitCode run(const CompleteFlags& flags) {
  auto document = load_config_document(flags.config.config, flags.config.sets);
  if (flags.tokens > 0) document["max_tokens"] = flags.tokens;
  const auto config = config_from_json<CompletionConfig>(
      document, flags.config.config.empty() ? "--set" : flags.config.config,
      std::filesystem::current_path());
  if (printed_config(flags.config, config_to_json(config))) return ExitCode::kDone;
  auto model = load_flagged_model(flags.model, config.model, flags.config.check);
  auto prompt = prompt_of(flags, config, model);
  const auto request = completion_request(model, config, std::move(prompt));
  check_prompt(model, request.prompt, 1);
  if (flags.config.check) {
    std::cout << completion_plan(model, request) << "checked   nothing was generated\n";
    return ExitCode::kDone;
  }
  const auto generation = Engine(model).generate(request);
  std::cout << to_line(to_json(generation, request.prompt)) << "\n";
  const auto count = static_cast<double>(generation.ids.size());
  log_info(format("complete: {} tokens in {:.2f} s ({:.0f} tokens/s), stopped by {}",
                  generation.ids.size(), generation.seconds,
                  count / std::max(generation.seconds, 1e-9), generation.stop_reason));
  return generation.stop_reason == "interrupted" ? ExitCode::kInterrupted : ExitCode::kDone;
}

}  // namespace

void add_complete_command(CLI::App& app, ExitCode& result) {
  auto* command = app.add_subcommand(
      "complete", "continue a text, token ids or a conversation; JSON on stdout");
  auto flags = std::make_shared<CompleteFlags>();
  add_model_flags(*command, flags->model);
  auto* prompt = command->add_option_group("prompt");
  prompt->add_option("--text", flags->text, "text to continue");
  prompt->add_option("--ids", flags->ids, "token ids to continue, e.g. 1,2,3");
  prompt->add_option("--messages", flags->messages,
                     "file with a conversation to answer (OpenAI messages)");
  prompt->require_option(1);
  command->add_option("--n", flags->tokens, "longest reply in tokens (max_tokens)")
      ->check(whole_number_from(1));
  add_config_flags(*command, flags->config, ConfigFile::kOptional, settings_of<CompletionConfig>);
  command->footer(
      "Example:\n"
      "  sqpsych complete --model work/base --text \"I sleep\" --n 32 \\\n"
      "    --set temperature=0");
  command->callback([flags, &result] { result = run(*flags); });
}

}  // namespace sqpsych
