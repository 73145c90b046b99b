#include "core/text.h"
#include "models/tokenizers/tokenizer.h"

namespace sqpsych {
namespace {

constexpr std::size_t kCompactAbove = 32;
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

/// Length of `bytes` without an unfinished character at its end.
std::size_t complete_length(std::string_view bytes) {
  for (std::size_t back = 1; back <= 3 && back <= bytes.size(); ++back) {
    const auto lead = static_cast<unsigned char>(bytes[bytes.size() - back]);
    if ((lead & 0xC0) == 0x80) continue;
    return lead >= 0xC2 && utf8_length(lead) > back ? bytes.size() - back : bytes.size();
  }
  return bytes.size();
}

std::string with_replacements(std::string_view bytes) {
  std::string text;
  while (!bytes.empty()) {
    const std::size_t invalid = find_invalid_utf8(bytes);
    if (invalid == std::string_view::npos) return text.append(bytes);
    text.append(bytes.substr(0, invalid)).append(kReplacement);
    bytes.remove_prefix(invalid + 1);
  }
  return text;
}

}  // namespace

std::string StreamDecoder::push(TokenId id) {
  ids_.push_back(id);
  const std::string text = tokenizer_.decode(ids_, skip_special_);
  const std::size_t complete = complete_length(text);
  if (complete <= emitted_bytes_) return "";
  const std::string fresh =
      with_replacements(std::string_view(text).substr(emitted_bytes_, complete - emitted_bytes_));
  emitted_bytes_ = complete;
  if (ids_.size() > kCompactAbove && complete == text.size()) {
    // The last token alone decodes to a text, so what follows it is decoded as in the whole.
    const std::string last = tokenizer_.decode({id}, skip_special_);
    if (!last.empty()) {
      ids_ = {id};
      emitted_bytes_ = last.size();
    }
  }
  return fresh;
}

std::string StreamDecoder::finish() {
  const std::string text = tokenizer_.decode(ids_, skip_special_);
  const std::string rest = text.size() > emitted_bytes_
                               ? with_replacements(std::string_view(text).substr(emitted_bytes_))
                               : "";
  ids_.clear();
  emitted_bytes_ = 0;
  return rest;
}

}  // namespace sqpsych
