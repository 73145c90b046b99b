#pragma once

#include <string>

#include "core/json.h"

namespace sqpsych::tokenizers {

/// An object's text under `key`, or `otherwise` when it is absent or null. FormatError on another
/// type.
std::string text_or(const Json& object, const char* key, const std::string& otherwise,
                    const std::string& where);
bool flag_or(const Json& object, const char* key, bool otherwise, const std::string& where);
/// A whole number from 0 to 2^31 - 1 under `key`, or `otherwise` when it is absent or null.
std::int64_t count_or(const Json& object, const char* key, std::int64_t otherwise,
                      const std::string& where);
/// The value under `key`, or null.
const Json& value_or_null(const Json& object, const char* key);
/// The list under `key`; FormatError when there is none.
const Json& need_list(const Json& object, const char* key, const std::string& where);

}  // namespace sqpsych::tokenizers
