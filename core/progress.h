#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace sqpsych {

/// Progress of anything that can take over two seconds, on stderr: a bar with rate and time left
/// on a terminal, otherwise a plain line every ten seconds. Silent for the first two seconds.
/// Thread-safe.
class Progress {
 public:
  /// `unit` in plural ("sessions"); `total` 0 when unknown.
  Progress(std::string label, std::int64_t total, std::string unit);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  /// `note` is shown behind the rate, e.g. "loss 2.31, 8,200 tokens/s".
  void advance(std::int64_t count = 1, const std::string& note = "");

 private:
  struct State;
  State* state_;
};

}  // namespace sqpsych
