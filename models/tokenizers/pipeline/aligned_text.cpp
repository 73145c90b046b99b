#include "models/tokenizers/pipeline/aligned_text.h"

#include <numeric>

#include "core/error.h"

namespace sqpsych::tokenizers {

AlignedText AlignedText::of(std::string_view input, ByteSpan range) {
  return {std::string(input.substr(range.begin, range.end - range.begin)), {}, range.begin};
}

AlignedText AlignedText::part(ByteSpan range) const {
  AlignedText result;
  result.text = text.substr(range.begin, range.end - range.begin);
  result.base = base + range.begin;
  if (!bounds.empty())
    result.bounds.assign(bounds.begin() + static_cast<std::ptrdiff_t>(range.begin),
                         bounds.begin() + static_cast<std::ptrdiff_t>(range.end) + 1);
  return result;
}

void AlignedText::begin_at(std::size_t position) {
  if (empty() || bound(0) == position) return;
  if (bounds.empty()) {
    bounds.resize(size() + 1);
    std::iota(bounds.begin(), bounds.end(), base);
  }
  bounds.front() = position;
}

AlignedWriter::AlignedWriter(const AlignedText& source) : source_(source) {
  result_.text.reserve(source.size() + source.size() / 2 + 8);
  result_.bounds.reserve(result_.text.capacity() + 1);
}

void AlignedWriter::copy(std::size_t begin, std::size_t end) {
  result_.text.append(source_.text, begin, end - begin);
  auto& bounds = result_.bounds;
  if (!source_.bounds.empty()) {
    bounds.insert(bounds.end(), source_.bounds.begin() + static_cast<std::ptrdiff_t>(begin),
                  source_.bounds.begin() + static_cast<std::ptrdiff_t>(end));
    return;
  }
  const std::size_t done = bounds.size();
  bounds.resize(done + end - begin);
  std::iota(bounds.begin() + static_cast<std::ptrdiff_t>(done), bounds.end(), source_.base + begin);
}

void AlignedWriter::replace(std::string_view bytes, std::size_t begin) {
  constexpr std::size_t kMostBytes = std::size_t{1} << 28;
  if (result_.size() + bytes.size() > kMostBytes)
    throw FormatError(format(
        "tokenizer: text: found more than {} after normalisation, expected less. Cut it into "
        "smaller texts.",
        bytes_text(kMostBytes)));
  result_.text.append(bytes);
  result_.bounds.insert(result_.bounds.end(), bytes.size(), source_.bound(begin));
}

AlignedText AlignedWriter::finish(std::size_t end) {
  result_.bounds.push_back(source_.bound(end));
  return std::move(result_);
}

}  // namespace sqpsych::tokenizers
