#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>

namespace sqpsych {

/// Help that fits into 80 columns and breaks lines between words.
class HelpFormatter : public CLI::Formatter {
 public:
  HelpFormatter();
  std::string make_description(const CLI::App* app) const override;
  std::string make_footer(const CLI::App* app) const override;
  std::string make_subcommand(const CLI::App* command) const override;
  std::string make_expanded(const CLI::App* group) const override;
  std::string make_option_desc(const CLI::Option* option) const override;
};

/// What is wrong with the arguments, as one sentence that names the command: ConfigError's text.
/// A flag that nobody knows is named before one that is missing: it may be its misspelling.
std::string usage_sentence(const CLI::App& app, const CLI::ParseError& error);

/// Refuses what is no whole number or below `minimum`, with our wording.
CLI::Validator whole_number_from(std::int64_t minimum);

}  // namespace sqpsych
