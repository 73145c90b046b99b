#include "core/settings.h"

#include "core/terminal.h"

namespace sqpsych {
namespace {

constexpr std::size_t kColumns = 80;

std::string rule_text(const Rule& rule) {
  if (!rule.choices.empty()) return " (one of " + quoted_list(rule.choices) + ")";
  if (rule.accepts) return " (" + rule.expected + ")";
  if (rule.minimum && rule.maximum) return format(" ({} to {})", *rule.minimum, *rule.maximum);
  if (rule.minimum) return format(" (at least {})", *rule.minimum);
  return rule.maximum ? format(" (at most {})", *rule.maximum) : "";
}

}  // namespace

std::string default_text(const Json& value) {
  if (!value.is_array()) return value.dump();
  std::vector<std::string> items;
  for (const auto& item : value) items.push_back(item.dump());
  return "[" + join(items, ", ") + "]";
}

std::string settings_text(const std::vector<Setting>& settings) {
  std::string text;
  for (const auto& setting : settings) {
    text += wrap_text(format("{} = {}\n", setting.path, setting.default_value), kColumns, 4);
    text += wrap_text(format("    {}{}\n", setting.help, rule_text(setting.rule)), kColumns);
  }
  return text;
}

}  // namespace sqpsych
