#pragma once

#include <filesystem>
#include <string>

namespace sqpsych {

/// Copies the files that make up a folder's tokenizer and chat templates, byte for byte but not
/// with their permissions: a cache's files are often read-only.
void copy_tokenizer_files(const std::filesystem::path& from, const std::filesystem::path& to);

/// Records a chat template in a folder's tokenizer_config.json: as Jinja source, a built-in one
/// also by its name (empty for others). What would outrank it there is removed.
void record_chat_template(const std::filesystem::path& folder, const std::string& built_in_name,
                          const std::string& jinja_source);

}  // namespace sqpsych
