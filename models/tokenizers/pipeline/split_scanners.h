#pragma once

#include <string_view>
#include <vector>

#include "models/tokenizers/tokenizer.h"

namespace sqpsych::tokenizers {

/// Appends the matches of one split pattern in `text` (valid UTF-8), left to right.
using SplitScanner = void (*)(std::string_view text, std::vector<ByteSpan>& matches);

/// The hand-written scanner of a pattern as tokenizer.json and tiktoken spell it, or nullptr.
/// A scanner finds exactly what the pattern finds, by Unicode 16.
SplitScanner find_scanner(std::string_view pattern);

}  // namespace sqpsych::tokenizers
