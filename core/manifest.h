#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/json.h"

namespace sqpsych {

/// What `manifest.json` of every output folder says: where the content came from.
struct Manifest {
  std::string command;                         ///< full command line
  Json config;                                 ///< resolved config
  std::vector<std::filesystem::path> inputs;   ///< hashed (files; folders by their files' hashes)
  std::vector<std::filesystem::path> parents;  ///< folders whose manifest.json is linked by hash
  Json extra = Json::object();                 ///< e.g. model, chat_template_sha256, prompts
};

/// The command line of this process, set once by main().
void set_command_line(int argc, char** argv);
std::string command_line();
std::string version();

/// Writes `folder/manifest.json` atomically (schema `sqpsych.manifest/1`).
void write_manifest(const std::filesystem::path& folder, const Manifest& manifest);

}  // namespace sqpsych
