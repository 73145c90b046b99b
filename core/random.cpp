#include "core/random.h"

#include <cmath>
#include <numbers>
#include <string>

#include "core/hash.h"

namespace sqpsych {

std::uint64_t derive_seed(const std::vector<SeedPart>& parts) {
  std::string tagged;
  for (const auto& part : parts) {
    if (const auto* text = std::get_if<std::string_view>(&part)) {
      tagged += "t" + std::to_string(text->size()) + ":";
      tagged += *text;
    } else {
      tagged += "n" + std::to_string(std::get<std::int64_t>(part)) + ";";
    }
  }
  // 63 bits, so that a seed also fits a signed JSON integer of any reader.
  return std::stoull(sha256_hex(tagged).substr(0, 16), nullptr, 16) >> 1;
}

std::uint64_t mix64(std::uint64_t value) {
  value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9ULL;
  value = (value ^ (value >> 27)) * 0x94D049BB133111EBULL;
  return value ^ (value >> 31);
}

std::uint64_t RandomStream::next() {
  state_ += 0x9E3779B97F4A7C15ULL;
  return mix64(state_);
}

double RandomStream::uniform() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

std::uint64_t RandomStream::below(std::uint64_t bound) {
  const std::uint64_t limit = bound * (UINT64_MAX / bound);
  for (;;) {
    const std::uint64_t value = next();
    if (value < limit) return value % bound;
  }
}

double RandomStream::normal() {
  const double radius = std::sqrt(-2 * std::log(1 - uniform()));
  return radius * std::cos(2 * std::numbers::pi * uniform());
}

}  // namespace sqpsych
