#pragma once

#include <filesystem>
#include <string>

namespace sqpsych {

/// Copies the files that make up a folder's tokenizer and chat templates, byte for byte but not
/// with their permissions: a cache's files are often read-only.
void copy_tokenizer_files(const std::filesystem::path& from, const std::filesystem::path& to);

/// Records a built-in chat template in a folder's tokenizer_config.json: by name for us, as Jinja
/// source for everybody else. What would outrank it there is removed.
void record_chat_template(const std::filesystem::path& folder, const std::string& name,
                          const std::string& jinja_source);

}  // namespace sqpsych
