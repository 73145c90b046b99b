#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

namespace sqpsych::tokenizers {

/// Vocabularies have 10^5 keys: a value with sorted keys, because the one that keeps the order of
/// keys takes quadratic time to build.
using LargeJson = nlohmann::json;

/// Reads a JSON file strictly: bad UTF-8 (with its byte offset), duplicate keys and nesting deeper
/// than 100 are FormatErrors that name the file.
LargeJson read_large_json(const std::filesystem::path& path);

/// An object's text under `key`, or `otherwise` when it is absent or null. FormatError on another
/// type.
std::string text_or(const LargeJson& object, const char* key, const std::string& otherwise,
                    const std::string& where);
bool flag_or(const LargeJson& object, const char* key, bool otherwise, const std::string& where);
/// The value under `key`, or null.
const LargeJson& value_or_null(const LargeJson& object, const char* key);

}  // namespace sqpsych::tokenizers
