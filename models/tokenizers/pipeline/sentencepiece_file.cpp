#include "models/tokenizers/pipeline/sentencepiece_file.h"

#include <bit>
#include <cstring>

#include "core/error.h"
#include "core/text.h"

namespace sqpsych::tokenizers {
namespace {

enum WireType : std::uint32_t { kVarint = 0, kFixed64 = 1, kLengthDelimited = 2, kFixed32 = 5 };

/// Reads the fields of one protobuf message.
class FieldReader {
 public:
  FieldReader(std::string_view bytes, std::size_t offset, const std::string& where)
      : bytes_(bytes), offset_(offset), where_(where) {}

  /// Moves to the next field; false at the end.
  bool next() {
    if (position_ == bytes_.size()) return false;
    const std::uint64_t key = varint();
    number_ = key >> 3;
    type_ = static_cast<std::uint32_t>(key & 7);
    switch (type_) {
      case kVarint:
        integer_ = varint();
        break;
      case kFixed32:
      case kFixed64:
        content_ = take(type_ == kFixed32 ? 4 : 8);
        break;
      case kLengthDelimited:
        content_ = take(varint());
        break;
      default:
        fail();
    }
    return number_ != 0 || (fail(), false);
  }
  bool is(std::uint64_t number, WireType type) const { return number_ == number && type_ == type; }
  std::uint64_t integer() const { return integer_; }
  std::string_view content() const { return content_; }
  float number() const {
    float value = 0;
    std::memcpy(&value, content_.data(), sizeof value);
    return value;
  }
  FieldReader message() const {
    return {content_, offset_ + static_cast<std::size_t>(content_.data() - bytes_.data()), where_};
  }
  [[noreturn]] void fail() const {
    throw FormatError(
        format("{}: found no SentencePiece model at byte {}, expected sentencepiece_model.proto. "
               "The file is truncated or of another kind.",
               where_, offset_ + position_));
  }

 private:
  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (position_ == bytes_.size()) fail();
      const auto byte = static_cast<unsigned char>(bytes_[position_++]);
      value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) return value;
    }
    fail();
  }
  std::string_view take(std::uint64_t size) {
    if (size > bytes_.size() - position_) fail();
    const auto content = bytes_.substr(position_, static_cast<std::size_t>(size));
    position_ += static_cast<std::size_t>(size);
    return content;
  }

  std::string_view bytes_;
  std::size_t offset_;
  const std::string& where_;
  std::size_t position_ = 0;
  std::uint64_t number_ = 0;
  std::uint32_t type_ = 0;
  std::uint64_t integer_ = 0;
  std::string_view content_;
};

SentencePieceFile::Piece read_piece(FieldReader reader) {
  SentencePieceFile::Piece piece;
  while (reader.next()) {
    if (reader.is(1, kLengthDelimited)) piece.text = std::string(reader.content());
    if (reader.is(2, kFixed32)) piece.score = reader.number();
    if (reader.is(3, kVarint)) {
      if (reader.integer() < 1 || reader.integer() > 6) reader.fail();
      piece.type = static_cast<SentencePieceFile::PieceType>(reader.integer());
    }
  }
  return piece;
}

void read_trainer_spec(FieldReader reader, SentencePieceFile& file) {
  while (reader.next()) {
    if (reader.is(3, kVarint)) {
      if (reader.integer() < 1 || reader.integer() > 4) reader.fail();
      file.kind = static_cast<SentencePieceFile::Kind>(reader.integer());
    }
    if (reader.is(35, kVarint)) file.byte_fallback = reader.integer() != 0;
  }
}

void read_normalizer_spec(FieldReader reader, SentencePieceFile& file) {
  while (reader.next()) {
    if (reader.is(2, kLengthDelimited)) file.has_charsmap = !reader.content().empty();
    if (reader.is(3, kVarint)) file.add_dummy_prefix = reader.integer() != 0;
    if (reader.is(4, kVarint)) file.remove_extra_whitespaces = reader.integer() != 0;
  }
}

}  // namespace

SentencePieceFile parse_sentencepiece_file(std::string_view bytes, const std::string& where) {
  SentencePieceFile file;
  FieldReader reader(bytes, 0, where);
  while (reader.next()) {
    if (reader.is(1, kLengthDelimited)) file.pieces.push_back(read_piece(reader.message()));
    if (reader.is(2, kLengthDelimited)) read_trainer_spec(reader.message(), file);
    if (reader.is(3, kLengthDelimited)) read_normalizer_spec(reader.message(), file);
  }
  if (file.pieces.empty()) reader.fail();
  for (std::size_t i = 0; i < file.pieces.size(); ++i)
    if (!is_valid_utf8(file.pieces[i].text))
      throw FormatError(
          format("{}: piece {}: found bytes that are not UTF-8 at offset {} of the piece.", where,
                 i, find_invalid_utf8(file.pieces[i].text)));
  return file;
}

bool looks_like_tiktoken(std::string_view bytes) {
  const auto line = bytes.substr(0, bytes.find('\n'));
  const auto space = line.find(' ');
  if (space == std::string_view::npos || space == 0 || space + 1 == line.size()) return false;
  constexpr std::string_view kBase64 =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";
  return line.substr(0, space).find_first_not_of(kBase64) == std::string_view::npos &&
         trim(line.substr(space + 1)).find_first_not_of("0123456789") == std::string_view::npos;
}

}  // namespace sqpsych::tokenizers
