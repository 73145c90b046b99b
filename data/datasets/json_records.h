#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "core/json.h"

namespace sqpsych {

/// Calls `visit(record, where)` for every record of a JSON Lines file or of one JSON array (told
/// apart by the first byte that is no space). `where` is `path:line`, for an array `path[i]`.
/// FormatError on a bad line.
void for_each_json_record(
    const std::filesystem::path& file,
    const std::function<void(const Json& record, const std::string& where)>& visit);

/// Like for_each_json_record, but a line that is no JSON goes to `bad(where, reason)` and reading
/// goes on behind it. An array that cannot be parsed is still a FormatError: nothing in it can be
/// trusted.
void for_each_json_record(
    const std::filesystem::path& file,
    const std::function<void(const Json& record, const std::string& where)>& visit,
    const std::function<void(const std::string& where, const std::string& reason)>& bad);

}  // namespace sqpsych
