#include <algorithm>
#include <regex>
#include <set>

#include "core/error.h"
#include "core/text.h"
#include "train/trainable.h"

namespace sqpsych {
namespace {

constexpr const char* kAllLinear = "all-linear";
constexpr const char* kHeadPath = "lm_head";

std::string last_segment(const std::string& path) { return path.substr(path.rfind('.') + 1); }

bool ends_with_segment(const std::string& path, const std::string& ending) {
  return path == ending || path.ends_with("." + ending);
}

std::vector<std::string> last_segments(const std::vector<std::string>& modules) {
  std::set<std::string> segments;
  for (const auto& path : modules) segments.insert(last_segment(path));
  return {segments.begin(), segments.end()};
}

[[noreturn]] void no_match(const std::string& target, const std::vector<std::string>& modules) {
  throw ConfigError(format(
      "train: lora_target_modules: found '{}', which fits no linear layer. The layers end in "
      "{}.",
      target, quoted_list(last_segments(modules))));
}

std::vector<std::string> matching_regex(const std::string& pattern,
                                        const std::vector<std::string>& modules) {
  std::vector<std::string> chosen;
  try {
    const std::regex expression(pattern);
    for (const auto& path : modules)
      if (std::regex_match(path, expression)) chosen.push_back(path);
  } catch (const std::regex_error& error) {
    throw ConfigError(
        format("train: lora_target_modules: found '{}', expected a regular expression: {}.",
               pattern, error.what()));
  }
  // A plain name is what users of the list form write by mistake; take it as that.
  if (chosen.empty())
    for (const auto& path : modules)
      if (ends_with_segment(path, pattern)) chosen.push_back(path);
  if (chosen.empty()) no_match(pattern, modules);
  return chosen;
}

}  // namespace

std::vector<std::string> choose_lora_modules(const Json& targets,
                                             const std::vector<std::string>& modules) {
  if (targets.is_string() && targets.get<std::string>() == kAllLinear) {
    std::vector<std::string> chosen;
    for (const auto& path : modules)
      if (last_segment(path) != kHeadPath) chosen.push_back(path);
    return chosen;
  }
  if (targets.is_string()) return matching_regex(targets.get<std::string>(), modules);
  std::set<std::string> chosen;
  for (const auto& target : targets) {
    const std::string ending = target.get<std::string>();
    const std::size_t before = chosen.size();
    bool fits = false;
    for (const auto& path : modules)
      if (ends_with_segment(path, ending)) {
        chosen.insert(path);
        fits = true;
      }
    if (!fits && chosen.size() == before) no_match(ending, modules);
  }
  std::vector<std::string> in_order;
  for (const auto& path : modules)
    if (chosen.count(path)) in_order.push_back(path);
  return in_order;
}

std::vector<std::string> adapter_target_names(const std::vector<std::string>& chosen,
                                              const std::vector<std::string>& modules) {
  const std::vector<std::string> segments = last_segments(chosen);
  const std::size_t reached =
      static_cast<std::size_t>(std::count_if(modules.begin(), modules.end(), [&](const auto& path) {
        return std::any_of(segments.begin(), segments.end(),
                           [&](const auto& segment) { return ends_with_segment(path, segment); });
      }));
  return reached == chosen.size() ? segments : chosen;
}

}  // namespace sqpsych
