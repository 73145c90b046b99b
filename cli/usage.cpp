#include "cli/usage.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <sstream>

#include "core/terminal.h"
#include "core/text.h"

namespace sqpsych {
namespace {

constexpr std::size_t kColumns = 80;
constexpr std::size_t kNameColumns = 26;

std::vector<std::string> flags_of(const CLI::App& command) {
  std::vector<std::string> flags;
  for (const auto* option : command.get_options())
    for (const auto& name : option->get_lnames()) flags.push_back("--" + name);
  for (const auto* group : command.get_subcommands({}))
    if (group->get_name().empty())
      for (const auto& flag : flags_of(*group)) flags.push_back(flag);
  return flags;
}

std::string did_you_mean(const std::string& name, const std::vector<std::string>& known) {
  const auto nearest = nearest_name(name, known);
  return nearest.empty() ? "" : format(" Did you mean '{}'?", nearest);
}

std::string unknown_argument(const CLI::App& command, const std::string& argument) {
  const auto flag = argument.substr(0, argument.find('='));
  if (!flag.starts_with("-")) return format("found '{}', expected no further argument.", argument);
  return format("found '{}', expected a flag of this command.{}", flag,
                did_you_mean(flag, flags_of(command)));
}

/// CLI11: "Could not convert: --n = abc".
std::string unreadable_value(const std::string& what) {
  const auto parts = split(what.substr(what.find(": ") + 2), " = ");
  return format("{}: found '{}', expected a whole number.", parts.front(), parts.back());
}

std::string sentence_of(const CLI::App& command, const CLI::ParseError& error) {
  const std::string what = error.what();
  const auto unknown = command.remaining();
  if (!unknown.empty()) return unknown_argument(command, unknown.front());
  if (what.starts_with("Could not convert: ")) return unreadable_value(what);
  // CLI11: "--model is required" and "--model: 1 required TEXT missing".
  for (const std::string ending : {" is required", ": 1 required TEXT missing"})
    if (what.ends_with(ending) && what.find(' ') == what.size() - ending.size() + ending.find(' '))
      return what.substr(0, what.size() - ending.size()) + ": found nothing, expected a value.";
  return what + (what.ends_with(".") ? "" : ".");
}

}  // namespace

HelpFormatter::HelpFormatter() { column_width(kNameColumns); }

std::string HelpFormatter::make_expanded(const CLI::App* group) const {
  // CLI11 fills the empty lines of a group of options with spaces.
  std::string text;
  for (const auto& line : split(CLI::Formatter::make_expanded(group), "\n")) {
    const auto last = line.find_last_not_of(' ');
    text += (last == std::string::npos ? "" : line.substr(0, last + 1)) + "\n";
  }
  text.pop_back();
  return text;
}

std::string HelpFormatter::make_description(const CLI::App* app) const {
  return wrap_text(CLI::Formatter::make_description(app), kColumns);
}

std::string HelpFormatter::make_footer(const CLI::App* app) const {
  return wrap_text(CLI::Formatter::make_footer(app), kColumns);
}

std::string HelpFormatter::make_subcommand(const CLI::App* command) const {
  std::ostringstream line;
  CLI::detail::format_help(line, command->get_name(),
                           wrap_text(command->get_description(), kColumns - kNameColumns),
                           kNameColumns);
  return line.str();
}

std::string HelpFormatter::make_option_desc(const CLI::Option* option) const {
  return wrap_text(option->get_description(), kColumns - kNameColumns);
}

std::string usage_sentence(const CLI::App& app, const CLI::ParseError& error) {
  const auto chosen = app.get_subcommands();
  const auto& command = chosen.empty() ? app : *chosen.front();
  const auto name = chosen.empty() ? "sqpsych" : "sqpsych " + command.get_name();
  const auto where = chosen.empty() ? "arguments" : command.get_name();
  return format("{}: {} See `{} --help`.", where, sentence_of(command, error), name);
}

CLI::Validator whole_number_from(std::int64_t minimum) {
  const auto check = [minimum](std::string& value) -> std::string {
    std::int64_t number = 0;
    const auto* end = value.data() + value.size();
    const auto parsed = std::from_chars(value.data(), end, number);
    if (parsed.ec == std::errc::result_out_of_range)
      return format("found {}, expected at most {}", value,
                    std::numeric_limits<std::int64_t>::max());
    if (parsed.ec != std::errc() || parsed.ptr != end)
      return format("found '{}', expected a whole number", value);
    return number >= minimum ? "" : format("found {}, expected at least {}", value, minimum);
  };
  return CLI::Validator(check, "");
}

}  // namespace sqpsych
