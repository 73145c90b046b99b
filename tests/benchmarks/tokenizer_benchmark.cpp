// Encodes the texts of a file (one JSON string a line) and prints one JSON object:
// load and encode seconds, bytes, tokens. Best of --rounds.
//
//     tokenizer_benchmark FOLDER TEXTS [--split NAME] [--threads N] [--rounds N]

#include <algorithm>
#include <atomic>
#include <chrono>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include "core/json_lines.h"
#include "core/text.h"
#include "models/tokenizers/tokenizer.h"

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

std::string option(int count, char** arguments, const std::string& name, std::string otherwise) {
  for (int i = 3; i + 1 < count; ++i)
    if (arguments[i] == name) return arguments[i + 1];
  return otherwise;
}

/// Number of tokens; the threads take text by text.
std::size_t encode_all(const sqpsych::Tokenizer& tokenizer, const std::vector<std::string>& texts,
                       std::size_t threads) {
  std::atomic<std::size_t> next = 0;
  std::atomic<std::size_t> tokens = 0;
  const auto work = [&] {
    for (std::size_t i = next++; i < texts.size(); i = next++)
      tokens += tokenizer.encode(texts[i], {false, {}, {}}).ids.size();
  };
  std::vector<std::thread> others;
  for (std::size_t i = 1; i < threads; ++i) others.emplace_back(work);
  work();
  for (auto& other : others) other.join();
  return tokens;
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 3) {
    std::cerr << sqpsych::format(
        "usage: {} FOLDER TEXTS [--split NAME] [--threads N] [--rounds N]\n", arguments[0]);
    return 2;
  }
  const auto threads = std::stoul(option(count, arguments, "--threads", "1"));
  const auto rounds = std::stoul(option(count, arguments, "--rounds", "5"));
  std::vector<std::string> texts;
  std::size_t bytes = 0;
  sqpsych::for_each_line(arguments[2], [&](const sqpsych::Json& line, std::int64_t) {
    texts.push_back(line.get<std::string>());
    bytes += texts.back().size();
  });
  const auto loading = Clock::now();
  const auto tokenizer =
      sqpsych::load_tokenizer(arguments[1], {option(count, arguments, "--split", "")});
  const double load_seconds = seconds_since(loading);
  double best = 0;
  std::size_t tokens = 0;
  for (std::size_t round = 0; round < rounds; ++round) {
    const auto start = Clock::now();
    tokens = encode_all(*tokenizer, texts, threads);
    const double seconds = seconds_since(start);
    best = round == 0 ? seconds : std::min(best, seconds);
  }
  std::cout << sqpsych::format(
      "{{\"load_seconds\": {}, \"seconds\": {}, \"bytes\": {}, \"tokens\": {}}}\n", load_seconds,
      best, bytes, tokens);
}
