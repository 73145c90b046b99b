#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace sqpsych {

/// JSON value that keeps the order of keys, so what we write reads as it was meant.
/// Looking a key up takes time linear in the object's size: iterate over large objects.
using Json = nlohmann::ordered_json;

/// Parses JSON (with `//` and `/* */` comments when `allow_comments`) in time linear in the text.
/// Duplicate keys, invalid UTF-8, lone surrogates, numbers beyond double and nesting deeper than
/// 200 are FormatErrors naming `where`; so is anything after the value. A byte order mark is
/// skipped.
Json parse_json(std::string_view text, const std::string& where, bool allow_comments = false);

/// Reads a whole JSON file; comments are allowed. FormatError / ResourceError name the path.
Json read_json(const std::filesystem::path& path);

}  // namespace sqpsych
