#include "generate/strategies/strategy.h"

#include "core/text.h"

namespace sqpsych {

std::unique_ptr<Strategy> make_turn_loop(const Json& graph, const std::string& where);
std::vector<Setting> turn_loop_settings();

namespace {

struct Shape {
  const char* name;
  std::unique_ptr<Strategy> (*make)(const Json& graph, const std::string& where);
  std::vector<Setting> (*settings)();
};

constexpr Shape kShapes[] = {
    {"turn_loop", make_turn_loop, turn_loop_settings},
};

}  // namespace

std::vector<std::string> strategy_shapes() {
  std::vector<std::string> names;
  for (const auto& shape : kShapes) names.emplace_back(shape.name);
  return names;
}

std::vector<Setting> strategy_settings() {
  std::vector<Setting> all;
  for (const auto& shape : kShapes)
    for (auto setting : shape.settings()) {
      setting.path = "graph." + setting.path;
      setting.help = format("{}: {}", shape.name, setting.help);
      all.push_back(std::move(setting));
    }
  return all;
}

std::unique_ptr<Strategy> make_strategy(const std::string& shape, const Json& graph,
                                        const std::string& where) {
  for (const auto& known : kShapes)
    if (shape == known.name) return known.make(graph, where + ": graph");
  const auto nearest = nearest_name(shape, strategy_shapes());
  throw ConfigError(format("{}: shape: found '{}', expected one of {}.{}", where, shape,
                           quoted_list(strategy_shapes()),
                           nearest.empty() ? "" : format(" Did you mean '{}'?", nearest)));
}

}  // namespace sqpsych
