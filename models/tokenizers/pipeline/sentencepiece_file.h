#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sqpsych::tokenizers {

/// What a SentencePiece .model says that the library's interface does not. Field numbers are those
/// of sentencepiece_model.proto.
struct SentencePieceFile {
  enum class Kind : std::int32_t { kUnigram = 1, kBpe = 2, kWord = 3, kChar = 4 };
  enum class PieceType : std::int32_t {
    kNormal = 1,
    kUnknown = 2,
    kControl = 3,
    kUserDefined = 4,
    kUnused = 5,
    kByte = 6
  };
  struct Piece {
    std::string text;
    float score = 0;
    PieceType type = PieceType::kNormal;
  };
  std::vector<Piece> pieces;
  Kind kind = Kind::kUnigram;
  bool byte_fallback = false;
  bool add_dummy_prefix = true;
  bool remove_extra_whitespaces = true;
  bool has_charsmap = false;
};

/// FormatError naming `where` and the byte offset when `bytes` is no such file.
SentencePieceFile parse_sentencepiece_file(std::string_view bytes, const std::string& where);

/// True for "base64 rank" lines, which some publishers also call tokenizer.model.
bool looks_like_tiktoken(std::string_view bytes);

}  // namespace sqpsych::tokenizers
