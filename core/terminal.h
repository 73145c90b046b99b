#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sqpsych {

/// Columns of the terminal behind a file descriptor (80 when it does not tell); 0 when it is no
/// terminal.
std::size_t terminal_columns(int descriptor);

/// `text` with line breaks between words, so that no line is wider than `columns` code points
/// unless a single word is. Its own line breaks stay; a broken line goes on `indent` spaces deeper
/// than it began. `columns` 0 changes nothing.
std::string wrap_text(std::string_view text, std::size_t columns, std::size_t indent = 0);

}  // namespace sqpsych
