#include <iostream>
#include <optional>

#include "cli/command.h"
#include "cli/tokenizer_source.h"
#include "core/json_lines.h"
#include "core/text.h"

namespace sqpsych {

namespace {

struct TokenizeArguments {
  std::string model;
  std::optional<std::string> text;
  std::string file;
  bool no_special = false;
  ConfigFlags flags;
};

void print_ids(const Tokenizer& tokenizer, const std::string& text,
               const TokenizeArguments& arguments) {
  std::cout << Json(tokenizer.encode_ids(text, !arguments.no_special)).dump() << "\n";
}

ExitCode run_tokenize(const TokenizeArguments& arguments) {
  const auto options = load_config<ModelOptions>(arguments.flags.config, arguments.flags.sets);
  if (printed_config(arguments.flags, config_to_json(options))) return ExitCode::kDone;
  if (arguments.text.has_value() == !arguments.file.empty())
    throw ConfigError("tokenize: found both or none of --text and --file, expected one of them.");
  const auto source = open_tokenizer(arguments.model, options);
  if (arguments.flags.check) {
    std::cout << format("{}: {} tokens\n", source.path.string(), source.tokenizer->size());
    return ExitCode::kDone;
  }
  if (arguments.text) print_ids(*source.tokenizer, *arguments.text, arguments);
  if (!arguments.file.empty()) {
    need_inputs("--file", {arguments.file});
    for_each_line(arguments.file, [&](const Json& record, std::int64_t line) {
      if (!record.is_string())
        throw FormatError(format("{}:{}: found {}, expected one JSON string.", arguments.file, line,
                                 record.type_name()));
      print_ids(*source.tokenizer, record.get<std::string>(), arguments);
    });
  }
  std::cout.flush();
  return ExitCode::kDone;
}

}  // namespace

void add_tokenize_command(CLI::App& app, ExitCode& result) {
  auto arguments = std::make_shared<TokenizeArguments>();
  CLI::App* command = app.add_subcommand("tokenize", "text -> token ids, one JSON list a line");
  command
      ->add_option("--model", arguments->model,
                   "folder with a tokenizer, .gguf file or cached hub id")
      ->required();
  command->add_option("--text", arguments->text, "one text");
  command->add_option("--file", arguments->file, "file with one JSON string a line");
  command->add_flag("--no-special", arguments->no_special,
                    "add no BOS or EOS; special tokens in the text are still recognised");
  add_config_flags(*command, arguments->flags, ConfigFile::kOptional, settings_of<ModelOptions>);
  command->footer(
      "Example:\n"
      "  sqpsych tokenize --model work/base --text \"I sleep badly.\"");
  command->callback([arguments, &result] { result = run_tokenize(*arguments); });
}

}  // namespace sqpsych
