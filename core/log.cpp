#include "core/log.h"

#include <cstdio>
#include <mutex>
#include <set>

namespace sqpsych {
namespace {

std::mutex mutex;

void write_line(const std::string& line) {
  const std::lock_guard lock(mutex);
  std::fwrite(line.data(), 1, line.size(), stderr);
}

}  // namespace

void log_info(const std::string& message) { write_line(message + "\n"); }

void log_warning(const std::string& message) { write_line("warning: " + message + "\n"); }

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
