// Loads a model and prints one JSON object: seconds, weight bytes, resident bytes before, at the
// peak.
//
//     loading_benchmark FOLDER DTYPE

#include <sys/resource.h>

#include <chrono>
#include <iostream>

#include "core/text.h"
#include "models/model.h"

namespace {

/// The highest resident set so far (getrusage(2): kilobytes).
std::int64_t peak_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss * 1024;
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
