#pragma once

namespace sqpsych {

/// The writing a letter belongs to: latin, greek, cyrillic, hebrew, arabic, devanagari, thai, kana,
/// hangul, chinese, other; empty for what is no letter. By Unicode blocks (Unicode 15.1,
/// Blocks.txt).
const char* script_of(char32_t letter);

}  // namespace sqpsych
