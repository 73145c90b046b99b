#include "generate/backends/backend.h"

#include "core/error.h"
#include "core/text.h"

namespace sqpsych {

std::unique_ptr<Backend> make_scripted_backend(const BackendSettings& settings);
std::vector<Setting> scripted_backend_settings();
std::unique_ptr<Backend> make_openai_backend(const BackendSettings& settings);
std::vector<Setting> openai_backend_settings();
std::unique_ptr<Backend> make_embedded_backend(const BackendSettings& settings);
std::vector<Setting> embedded_backend_settings();

namespace {

struct Variant {
  const char* name;
  std::unique_ptr<Backend> (*make)(const BackendSettings& settings);
  std::vector<Setting> (*settings)();
};

constexpr Variant kVariants[] = {
    {"scripted", make_scripted_backend, scripted_backend_settings},
    {"openai", make_openai_backend, openai_backend_settings},
    {"embedded", make_embedded_backend, embedded_backend_settings},
};

}  // namespace

std::vector<std::string> backend_names() {
  std::vector<std::string> names;
  for (const auto& variant : kVariants) names.emplace_back(variant.name);
  return names;
}

std::vector<Setting> backend_settings() {
  std::vector<Setting> all = {
      {"backends.NAME.type", "null", "where text comes from", one_of(backend_names())}};
  for (const auto& variant : kVariants)
    for (auto setting : variant.settings()) {
      setting.path = "backends.NAME." + setting.path;
      setting.help = format("{}: {}", variant.name, setting.help);
      all.push_back(std::move(setting));
    }
  return all;
}

std::unique_ptr<Backend> make_backend(const BackendSettings& settings) {
  if (!settings.block.is_object() || !settings.block.contains("type") ||
      !settings.block["type"].is_string())
    throw ConfigError(format("{}: type: found nothing, expected one of {}.", settings.where,
                             quoted_list(backend_names())));
  const auto type = settings.block["type"].get<std::string>();
  for (const auto& variant : kVariants) {
    if (type != variant.name) continue;
    BackendSettings own = settings;
    own.block.erase("type");
    auto backend = variant.make(own);
    return backend;
  }
  const auto nearest = nearest_name(type, backend_names());
  throw ConfigError(format("{}: type: found '{}', expected one of {}.{}", settings.where, type,
                           quoted_list(backend_names()),
                           nearest.empty() ? "" : format(" Did you mean '{}'?", nearest)));
}

}  // namespace sqpsych
