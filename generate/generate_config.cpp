#include "generate/generate_config.h"

#include "generate/backends/backend.h"
#include "generate/strategies/strategy.h"

namespace sqpsych {

std::vector<Setting> generate_settings() {
  std::vector<Setting> all;
  for (auto& setting : settings_of<GenerateConfig>()) {
    const auto path = setting.path;
    all.push_back(std::move(setting));
    const auto inner = path == "graph"      ? strategy_settings()
                       : path == "backends" ? backend_settings()
                                            : std::vector<Setting>();
    all.insert(all.end(), inner.begin(), inner.end());
  }
  return all;
}

}  // namespace sqpsych
