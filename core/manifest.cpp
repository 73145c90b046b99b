#include "core/manifest.h"

#include <algorithm>
#include <ctime>

#include "core/files.h"
#include "core/hash.h"
#include "core/json_lines.h"
#include "core/text.h"

namespace sqpsych {
namespace {

std::string& stored_command_line() {
  static std::string text;
  return text;
}

std::string shell_quoted(const std::string& argument) {
  const bool plain = !argument.empty() && argument.find_first_not_of(
                                              "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                              "0123456789-_./=:,+@%") == std::string::npos;
  return plain ? argument : "'" + replace_all(argument, "'", "'\\''") + "'";
}

Json input_entry(const std::filesystem::path& path) {
  Json entry = {{"path", path.string()}};
  if (!std::filesystem::is_directory(path)) {
    entry["sha256"] = sha256_hex_of_file(path);
    return entry;
  }
  std::vector<std::filesystem::path> files;
  for (const auto& file : std::filesystem::directory_iterator(path))
    if (file.is_regular_file()) files.push_back(file.path());
  std::sort(files.begin(), files.end());
  entry["files"] = Json::object();
  for (const auto& file : files)
    entry["files"][file.filename().string()] = sha256_hex_of_file(file);
  return entry;
}

/// The named ones, and every input or folder of an input that has a manifest itself.
std::vector<std::filesystem::path> parents_of(const Manifest& manifest) {
  std::vector<std::filesystem::path> parents;
  const auto add = [&](std::filesystem::path folder) {
    folder = (folder / "").lexically_normal().parent_path();
    if (folder.empty()) folder = ".";
    if (std::find(parents.begin(), parents.end(), folder) == parents.end())
      parents.push_back(folder);
  };
  for (const auto& parent : manifest.parents) add(parent);
  for (const auto& input : manifest.inputs) {
    const auto plain = input.has_filename() ? input : input.parent_path();
    for (const auto& folder : {plain, plain.parent_path()})
      if (std::filesystem::is_regular_file(folder / "manifest.json")) add(folder);
  }
  return parents;
}

Json parent_entry(const std::filesystem::path& folder) {
  Json entry = {{"path", folder.string()}};
  const auto manifest = folder / "manifest.json";
  if (std::filesystem::exists(manifest)) entry["manifest_sha256"] = sha256_hex_of_file(manifest);
  return entry;
}

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm utc = {};
  gmtime_r(&now, &utc);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text;
}

}  // namespace

void set_command_line(int argc, char** argv) {
  std::vector<std::string> arguments;
  for (int i = 0; i < argc; ++i) arguments.push_back(shell_quoted(argv[i]));
  stored_command_line() = join(arguments, " ");
}

std::string command_line() { return stored_command_line(); }

std::string version() { return SQPSYCH_VERSION; }

void write_manifest(const std::filesystem::path& folder, const Manifest& manifest) {
  Json document = {{"schema", "sqpsych.manifest/1"}, {"version", version()},
                   {"created", utc_now()},           {"command", manifest.command},
                   {"config", manifest.config},      {"inputs", Json::array()},
                   {"parents", Json::array()}};
  for (const auto& input : manifest.inputs) document["inputs"].push_back(input_entry(input));
  for (const auto& parent : parents_of(manifest))
    document["parents"].push_back(parent_entry(parent));
  for (const auto& [key, value] : manifest.extra.items()) document[key] = value;
  // A file name may hold any bytes; a finished output is not lost for one.
  write_file_atomic(folder / "manifest.json",
                    document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

}  // namespace sqpsych
