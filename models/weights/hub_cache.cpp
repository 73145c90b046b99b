#include <cstdlib>

#include "core/error.h"
#include "core/files.h"
#include "core/text.h"
#include "models/weights/gguf_file.h"
#include "models/weights/model_dir.h"

namespace fs = std::filesystem;

namespace sqpsych {
namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

/// Where huggingface_hub keeps snapshots: HF_HUB_CACHE, else HF_HOME/hub, else
/// XDG_CACHE_HOME/huggingface/hub, else ~/.cache/huggingface/hub.
fs::path hub_cache() {
  if (const auto cache = environment("HF_HUB_CACHE"); !cache.empty()) return cache;
  if (const auto home = environment("HF_HOME"); !home.empty()) return fs::path(home) / "hub";
  const auto xdg = environment("XDG_CACHE_HOME");
  const auto base = xdg.empty() ? fs::path(environment("HOME")) / ".cache" : fs::path(xdg);
  return base / "huggingface" / "hub";
}

bool is_hub_id(const std::string& model) {
  const auto parts = split(model, "/");
  if (model.empty() || parts.size() > 2 || model.find("..") != std::string::npos) return false;
  for (const auto& part : parts)
    if (part.empty() || part.front() == '.' || part.front() == '-') return false;
  return true;
}

/// The snapshot that refs/main names, else the newest one; empty when there is none.
fs::path snapshot_of(const fs::path& repository) {
  const auto snapshots = repository / "snapshots";
  const auto reference = repository / "refs" / "main";
  if (fs::is_regular_file(reference)) {
    const auto snapshot = snapshots / std::string(trim(read_file(reference)));
    if (fs::is_directory(snapshot)) return snapshot;
  }
  fs::path newest;
  if (!fs::is_directory(snapshots)) return newest;
  for (const auto& entry : fs::directory_iterator(snapshots))
    if (entry.is_directory() &&
        (newest.empty() || entry.last_write_time() > fs::last_write_time(newest)))
      newest = entry.path();
  return newest;
}

}  // namespace

fs::path resolve_model_path(const std::string& model) {
  const fs::path path = model;
  if (fs::is_directory(path)) return path;
  if (fs::is_regular_file(path)) {
    if (is_gguf_file(path)) return path;
    throw ConfigError(
        format("--model: '{}': found a file that is no GGUF file, expected a folder or a GGUF "
               "file. Pass the folder that holds config.json, or download the file again.",
               model));
  }
  if (!is_hub_id(model))
    throw ConfigError(
        format("--model: '{}': found nothing there, expected a folder, a .gguf file "
               "or a hub id. Check the path.",
               model));
  const auto cache = hub_cache();
  const auto repository = cache / ("models--" + replace_all(model, "/", "--"));
  const auto snapshot = snapshot_of(repository);
  if (!snapshot.empty()) return snapshot;
  throw ConfigError(
      format("--model: '{}': found neither a folder or file of this name nor '{}', "
             "expected one of them. Nothing is downloaded: fetch the model first, or "
             "set HF_HOME.",
             model, repository.string()));
}

std::string hub_id_of(const fs::path& folder) {
  constexpr std::string_view kPrefix = "models--";
  const auto snapshots = fs::weakly_canonical(folder).parent_path();
  const auto repository = snapshots.parent_path().filename().string();
  if (snapshots.filename() != "snapshots" || !repository.starts_with(kPrefix)) return "";
  return replace_all(repository.substr(kPrefix.size()), "--", "/");
}

std::string model_name(const fs::path& folder) {
  if (const auto id = hub_id_of(folder); !id.empty()) return id.substr(id.rfind('/') + 1);
  return fs::weakly_canonical(folder).filename().string();
}

}  // namespace sqpsych
