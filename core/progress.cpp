#include "core/progress.h"

#include <algorithm>
#include <cstdio>
#include <mutex>

#include <unistd.h>

#include "core/terminal.h"
#include "core/text.h"

namespace sqpsych {
namespace {

using Clock = std::chrono::steady_clock;
constexpr double kSilentSeconds = 2;
constexpr double kTerminalInterval = 0.2;
constexpr double kPlainInterval = 10;
constexpr int kBarCells = 20;

double seconds_between(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

}  // namespace

struct Progress::State {
  std::string label;
  std::string unit;
  std::int64_t total = 0;
  std::int64_t done = 0;
  bool on_terminal = isatty(STDERR_FILENO) != 0;
  bool shown = false;
  Clock::time_point begin = Clock::now();
  Clock::time_point last = begin;
  std::mutex mutex;

  std::string line(const std::string& note, double seconds) const {
    const double rate = seconds > 0 ? static_cast<double>(done) / seconds : 0;
    std::string text = label + " ";
    if (total > 0) {
      const int filled = static_cast<int>(kBarCells * std::min(done, total) / total);
      if (on_terminal)
        text += "[" + std::string(filled, '#') + std::string(kBarCells - filled, '.') + "] ";
      text += format("{}/{} {}", with_thousands(done), with_thousands(total), unit);
    } else {
      text += format("{} {}", with_thousands(done), unit);
    }
    text += rate >= 10 ? format(", {:.0f}/s", rate) : format(", {:.2f}/s", rate);
    if (total > done && rate > 0)
      text += format(", {} left", duration_text(static_cast<double>(total - done) / rate));
    if (!note.empty()) text += ", " + note;
    return text;
  }

  void show(const std::string& note, bool final) {
    const auto now = Clock::now();
    const double elapsed = seconds_between(begin, now);
    if (elapsed < kSilentSeconds) return;
    if (final && !shown) return;
    if (!final && shown &&
        seconds_between(last, now) < (on_terminal ? kTerminalInterval : kPlainInterval))
      return;
    last = now;
    shown = true;
    std::string text = line(note, elapsed);
    if (on_terminal) {
      const auto columns = terminal_columns(STDERR_FILENO);
      if (columns > 0 && text.size() + 1 > columns) text.resize(columns - 1);
      text = "\r" + text + "\033[K" + (final ? "\n" : "");
    } else {
      text += "\n";
    }
    std::fwrite(text.data(), 1, text.size(), stderr);
    std::fflush(stderr);
  }
};

Progress::Progress(std::string label, std::int64_t total, std::string unit) : state_(new State) {
  state_->label = std::move(label);
  state_->total = total;
  state_->unit = std::move(unit);
}

Progress::~Progress() {
  state_->show("", true);
  delete state_;
}

void Progress::advance(std::int64_t count, const std::string& note) {
  const std::lock_guard lock(state_->mutex);
  state_->done += count;
  state_->show(note, false);
}

}  // namespace sqpsych
