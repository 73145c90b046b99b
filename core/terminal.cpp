#include "core/terminal.h"

#include <algorithm>

#include <sys/ioctl.h>
#include <unistd.h>

#include "core/text.h"

namespace sqpsych {
namespace {

constexpr std::size_t kUnknownColumns = 80;

std::size_t code_points(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char byte) {
    return (static_cast<unsigned char>(byte) & 0xC0) != 0x80;
  }));
}

std::string wrap_line(const std::string& line, std::size_t columns, std::size_t indent) {
  const auto first = std::min(line.find_first_not_of(' '), line.size());
  std::string wrapped = line.substr(0, first);
  std::size_t used = first;
  bool at_start = true;
  for (const auto& word : split(line.substr(first), " ")) {
    const auto width = code_points(word);
    if (!at_start && used + 1 + width > columns) {
      wrapped.erase(wrapped.find_last_not_of(' ') + 1);
      wrapped += "\n" + std::string(first + indent, ' ');
      used = first + indent;
      at_start = true;
    }
    if (!at_start) wrapped += " ";
    wrapped += word;
    used += width + (at_start ? 0 : 1);
    at_start = false;
  }
  return wrapped;
}

}  // namespace

std::size_t terminal_columns(int descriptor) {
  if (isatty(descriptor) == 0) return 0;
  winsize size = {};
  if (ioctl(descriptor, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return kUnknownColumns;
  return size.ws_col;
}

std::string wrap_text(std::string_view text, std::size_t columns, std::size_t indent) {
  if (columns == 0) return std::string(text);
  std::vector<std::string> lines;
  for (const auto& line : split(text, "\n")) lines.push_back(wrap_line(line, columns, indent));
  return join(lines, "\n");
}

}  // namespace sqpsych
