// Loads a model and prints one JSON object: seconds, weight bytes, resident bytes before, at the
// peak.
//
//     loading_benchmark FOLDER DTYPE

#include <chrono>
#include <fstream>
#include <iostream>

#include "core/text.h"
#include "models/model.h"

namespace {

/// The highest resident set of this program so far (proc(5): VmHWM; getrusage's would begin with
/// that of the program that started it).
std::int64_t peak_bytes() {
  std::ifstream status("/proc/self/status");
  std::string key;
  std::int64_t kilobytes = 0;
  while (status >> key)
    if (key == "VmHWM:") status >> kilobytes;
  return kilobytes * 1024;
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 3) {
    std::cerr << sqpsych::format("usage: {} FOLDER DTYPE\n", arguments[0]);
    return 2;
  }
  sqpsych::ModelOptions options;
  options.device = "cpu";
  options.dtype = arguments[2];
  const auto before = peak_bytes();
  const auto start = std::chrono::steady_clock::now();
  const auto model = sqpsych::load_model(arguments[1], std::nullopt, options);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  std::size_t weight_bytes = 0;
  for (const auto& [name, parameter] : model.decoder->parameters())
    weight_bytes += parameter->nbytes();
  std::cout << sqpsych::format(
      "{{\"seconds\": {}, \"weight_bytes\": {}, \"before_bytes\": {}, \"peak_bytes\": {}}}\n",
      seconds.count(), weight_bytes, before, peak_bytes());
}
