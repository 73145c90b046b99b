#include "core/log.h"

#include <cstdio>
#include <mutex>
#include <set>

#include <unistd.h>

#include "core/terminal.h"

namespace sqpsych {
namespace {

std::mutex mutex;

/// On a terminal lines break between words; in a file or pipe a message stays one line.
void write_line(const std::string& message) {
  const auto line = wrap_text(message, terminal_columns(STDERR_FILENO), 2) + "\n";
  const std::lock_guard lock(mutex);
  std::fwrite(line.data(), 1, line.size(), stderr);
}

}  // namespace

void log_info(const std::string& message) { write_line(message); }

void log_warning(const std::string& message) { write_line("warning: " + message); }

void warn_once(const std::string& message) {
  static std::mutex seen_mutex;
  static std::set<std::string> seen;
  {
    const std::lock_guard lock(seen_mutex);
    if (!seen.insert(message).second) return;
  }
  log_warning(message);
}

}  // namespace sqpsych
