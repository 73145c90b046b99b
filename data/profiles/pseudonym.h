#pragma once

#include <filesystem>
#include <string>

namespace sqpsych {

/// A fresh random key: 32 bytes from the system as hexadecimal digits.
std::string new_pseudonym_key();

/// The key in a file without the white space around it. ConfigError when the file is absent or the
/// key shorter than 16 characters.
std::string read_pseudonym_key(const std::filesystem::path& file);

/// `c_` and the first 16 hexadecimal digits of HMAC-SHA-256(key, "client:" + source_id): the same
/// person under the same key, and nothing else about the person.
std::string pseudonym_of(const std::string& key, const std::string& source_id);

}  // namespace sqpsych
