#include "models/tokenizers/pipeline/byte_letters.h"

#include <charconv>

#include "core/text.h"

namespace sqpsych::tokenizers {
namespace {

bool stands_for_itself(int byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) ||
         (byte >= 0xAE && byte <= 0xFF);
}

constexpr char32_t kFirstExtra = 0x100;
constexpr std::size_t kExtras = 68;

std::array<unsigned char, kExtras> extra_bytes() {
  std::array<unsigned char, kExtras> extras{};
  std::size_t count = 0;
  for (int byte = 0; byte < 256; ++byte)
    if (!stands_for_itself(byte)) extras[count++] = static_cast<unsigned char>(byte);
  return extras;
}

}  // namespace

const std::array<std::string, 256>& byte_letters() {
  static const std::array<std::string, 256> letters = [] {
    std::array<std::string, 256> table;
    char32_t extra = kFirstExtra;
    for (int byte = 0; byte < 256; ++byte)
      append_utf8(table[static_cast<std::size_t>(byte)],
                  stands_for_itself(byte) ? static_cast<char32_t>(byte) : extra++);
    return table;
  }();
  return letters;
}

std::optional<unsigned char> byte_of_letter(char32_t letter) {
  static const auto extras = extra_bytes();
  if (letter < kFirstExtra)
    return stands_for_itself(static_cast<int>(letter))
               ? std::optional(static_cast<unsigned char>(letter))
               : std::nullopt;
  if (letter < kFirstExtra + kExtras) return extras[letter - kFirstExtra];
  return std::nullopt;
}

std::string to_byte_letters(std::string_view bytes) {
  std::string text;
  for (const char byte : bytes) text += byte_letters()[static_cast<unsigned char>(byte)];
  return text;
}

std::string byte_token(unsigned char byte) { return format("<0x{:02X}>", byte); }

std::optional<unsigned char> byte_of_token(std::string_view token) {
  if (token.size() != 6 || !token.starts_with("<0x") || token.back() != '>') return std::nullopt;
  unsigned value = 0;
  const char* const digits = token.data() + 3;
  const auto [end, error] = std::from_chars(digits, digits + 2, value, 16);
  if (error != std::errc() || end != digits + 2) return std::nullopt;
  return static_cast<unsigned char>(value);
}

}  // namespace sqpsych::tokenizers
