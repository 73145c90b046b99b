#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace sqpsych {

/// SHA-256 as 64 lower-case hexadecimal digits.
std::string sha256_hex(std::string_view bytes);
/// Interrupted when a signal came: weights take their time.
std::string sha256_hex_of_file(const std::filesystem::path& path);
/// HMAC-SHA-256 as 64 lower-case hexadecimal digits.
std::string hmac_sha256_hex(std::string_view key, std::string_view message);

}  // namespace sqpsych
