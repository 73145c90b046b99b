#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace sqpsych {

struct DecodedText {
  std::string utf8;
  std::string encoding;  ///< what it was read as, for the log: "UTF-8 with byte order mark"
};

/// Converts a file's bytes to UTF-8 without byte order mark. `encoding` `auto`: byte order mark,
/// else UTF-8 when the bytes are valid, else Windows-1252. FormatError naming line and byte for
/// NUL bytes, bytes the encoding does not have, and UTF-8 with single bad bytes.
DecodedText decode_text(std::string_view bytes, const std::string& encoding,
                        const std::filesystem::path& file);

}  // namespace sqpsych
