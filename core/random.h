#pragma once

#include <cstdint>
#include <string_view>
#include <variant>
#include <vector>

namespace sqpsych {

/// One component of a seed: a name or a number.
using SeedPart = std::variant<std::string_view, std::int64_t>;

/// Hashes the parts (type-tagged, SHA-256, first 63 bits): equal parts give equal seeds on every
/// machine, and ("ab","c") differs from ("a","bc").
std::uint64_t derive_seed(const std::vector<SeedPart>& parts);

/// Counter-based 64-bit mix (splitmix64 finaliser): a pure function of its input.
std::uint64_t mix64(std::uint64_t value);

/// A seeded stream of numbers, identical on every platform (no std::distribution inside).
class RandomStream {
 public:
  explicit RandomStream(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next();
  /// Uniform in [0, 1) with 53 bits.
  double uniform();
  /// Uniform in [0, bound) without modulo bias; bound > 0.
  std::uint64_t below(std::uint64_t bound);
  /// Standard normal (Box-Muller).
  double normal();
  template <class T>
  void shuffle(std::vector<T>& items) {
    for (std::size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[below(i)]);
  }
  std::uint64_t state() const { return state_; }

 private:
  std::uint64_t state_;
};

}  // namespace sqpsych
