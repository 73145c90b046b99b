#include "data/answers/text_encoding.h"

#include <iconv.h>

#include <algorithm>
#include <cerrno>

#include "core/error.h"
#include "core/text.h"

namespace sqpsych {
namespace {

constexpr std::string_view kUtf8Mark = "\xEF\xBB\xBF";
constexpr std::string_view kUtf16LittleMark = "\xFF\xFE";
constexpr std::string_view kUtf16BigMark = "\xFE\xFF";

class Converter {
 public:
  explicit Converter(const std::string& from) : handle_(iconv_open("UTF-8", from.c_str())) {
    if (handle_ == reinterpret_cast<iconv_t>(-1))
      throw ResourceError(
          format("answers: encoding '{}': this machine's iconv does not know it. "
                 "Save the file as UTF-8",
                 from));
  }
  ~Converter() { iconv_close(handle_); }
  Converter(const Converter&) = delete;
  Converter& operator=(const Converter&) = delete;

  /// Appends what can be converted; returns the number of input bytes that were.
  std::size_t convert(std::string_view bytes, std::string& utf8) {
    char* input = const_cast<char*>(bytes.data());
    std::size_t input_left = bytes.size();
    char buffer[1 << 14];
    while (input_left > 0) {
      char* output = buffer;
      std::size_t output_left = sizeof(buffer);
      const std::size_t result = iconv(handle_, &input, &input_left, &output, &output_left);
      utf8.append(buffer, static_cast<std::size_t>(output - buffer));
      if (result == static_cast<std::size_t>(-1) && errno != E2BIG) break;
    }
    return bytes.size() - input_left;
  }

 private:
  iconv_t handle_;
};

std::int64_t line_at(std::string_view text, std::size_t offset) {
  return 1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(offset), '\n');
}

[[noreturn]] void bad_byte(const std::filesystem::path& file, std::string_view bytes,
                           std::size_t offset, const std::string& encoding) {
  throw FormatError(
      format("answers: '{}': line {}, byte {}: found 0x{:02x}, which {} does not have here. "
             "Set answers.encoding to the file's encoding or save it as UTF-8",
             file.string(), line_at(bytes, offset), offset,
             static_cast<unsigned>(static_cast<unsigned char>(bytes[offset])), encoding));
}

std::string from_utf8(std::string_view bytes, const std::filesystem::path& file) {
  const std::size_t offset = find_invalid_utf8(bytes);
  if (offset != std::string_view::npos) bad_byte(file, bytes, offset, "UTF-8");
  return std::string(bytes);
}

std::string from_encoding(std::string_view bytes, const std::string& encoding,
                          const std::filesystem::path& file) {
  Converter converter(encoding);
  std::string utf8;
  utf8.reserve(bytes.size() + bytes.size() / 8);
  const std::size_t converted = converter.convert(bytes, utf8);
  if (converted != bytes.size()) bad_byte(file, bytes, converted, encoding);
  return utf8;
}

bool starts_with_sequence(std::string_view bytes, std::size_t position) {
  const std::size_t length = utf8_length(static_cast<unsigned char>(bytes[position]));
  return length > 1 && position + length <= bytes.size() &&
         is_valid_utf8(bytes.substr(position, length));
}

/// More well-formed multi-byte characters than stray bytes: UTF-8 that was damaged.
bool is_damaged_utf8(std::string_view bytes) {
  std::int64_t characters = 0;
  std::int64_t stray = 0;
  for (std::size_t i = 0; i < bytes.size();) {
    if (static_cast<unsigned char>(bytes[i]) < 0x80) {
      ++i;
    } else if (starts_with_sequence(bytes, i)) {
      ++characters;
      i += utf8_length(static_cast<unsigned char>(bytes[i]));
    } else {
      ++stray;
      ++i;
    }
  }
  return characters > stray;
}

void refuse_nul(std::string_view utf8, const std::filesystem::path& file) {
  const std::size_t offset = utf8.find('\0');
  if (offset != std::string_view::npos)
    throw FormatError(
        format("answers: '{}': line {}: found a NUL byte, expected text. Is it "
               "UTF-16 (set answers.encoding to utf-16le) or a binary file?",
               file.string(), line_at(utf8, offset)));
}

DecodedText decode_automatically(std::string_view bytes, const std::filesystem::path& file) {
  if (bytes.starts_with(kUtf8Mark))
    return {from_utf8(bytes.substr(kUtf8Mark.size()), file), "UTF-8 with byte order mark"};
  if (bytes.starts_with(kUtf16LittleMark))
    return {from_encoding(bytes.substr(2), "UTF-16LE", file), "UTF-16LE with byte order mark"};
  if (bytes.starts_with(kUtf16BigMark))
    return {from_encoding(bytes.substr(2), "UTF-16BE", file), "UTF-16BE with byte order mark"};
  refuse_nul(bytes, file);
  if (is_valid_utf8(bytes)) return {std::string(bytes), "UTF-8"};
  if (is_damaged_utf8(bytes)) bad_byte(file, bytes, find_invalid_utf8(bytes), "UTF-8");
  return {from_encoding(bytes, "WINDOWS-1252", file), "Windows-1252 (not valid UTF-8)"};
}

DecodedText decode_as(std::string_view bytes, const std::string& encoding,
                      const std::filesystem::path& file) {
  if (encoding == "utf-8") {
    const std::size_t mark = bytes.starts_with(kUtf8Mark) ? kUtf8Mark.size() : 0;
    return {from_utf8(bytes.substr(mark), file), "UTF-8 as set"};
  }
  const bool little = encoding == "utf-16le" && bytes.starts_with(kUtf16LittleMark);
  const bool big = encoding == "utf-16be" && bytes.starts_with(kUtf16BigMark);
  return {from_encoding(bytes.substr(little || big ? 2 : 0), encoding, file), encoding + " as set"};
}

}  // namespace

DecodedText decode_text(std::string_view bytes, const std::string& encoding,
                        const std::filesystem::path& file) {
  DecodedText text =
      encoding == "auto" ? decode_automatically(bytes, file) : decode_as(bytes, encoding, file);
  refuse_nul(text.utf8, file);
  return text;
}

}  // namespace sqpsych
