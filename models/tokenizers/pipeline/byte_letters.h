#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace sqpsych::tokenizers {

/// The 256 letters in which byte-level BPE writes bytes (GPT-2's bytes_to_unicode): printable
/// Latin-1 stands for itself, the other bytes get U+0100 onwards in order.
const std::array<std::string, 256>& byte_letters();

/// The byte of a letter, or nothing when the code point is not one of the 256.
std::optional<unsigned char> byte_of_letter(char32_t letter);

std::string to_byte_letters(std::string_view bytes);

/// `<0xHH>`, the name of a byte in SentencePiece vocabularies.
std::string byte_token(unsigned char byte);
/// The byte of such a name, or nothing.
std::optional<unsigned char> byte_of_token(std::string_view token);

}  // namespace sqpsych::tokenizers
