#include "models/tokenizers/pipeline/aligned_text.h"

namespace sqpsych::tokenizers {

AlignedText AlignedText::of(std::string_view input, ByteSpan range) {
  AlignedText result;
  result.text = std::string(input.substr(range.begin, range.end - range.begin));
  result.bounds.resize(result.text.size() + 1);
  for (std::size_t i = 0; i < result.bounds.size(); ++i) result.bounds[i] = range.begin + i;
  return result;
}

AlignedText AlignedText::part(ByteSpan range) const {
  AlignedText result;
  result.text = text.substr(range.begin, range.end - range.begin);
  result.bounds.assign(bounds.begin() + static_cast<std::ptrdiff_t>(range.begin),
                       bounds.begin() + static_cast<std::ptrdiff_t>(range.end) + 1);
  return result;
}

void AlignedWriter::copy(std::size_t begin, std::size_t end) {
  result_.text.append(source_.text, begin, end - begin);
  for (std::size_t i = begin; i < end; ++i) result_.bounds.push_back(source_.bounds[i]);
}

void AlignedWriter::replace(std::string_view bytes, std::size_t begin) {
  result_.text.append(bytes);
  result_.bounds.insert(result_.bounds.end(), bytes.size(), source_.bounds[begin]);
}

AlignedText AlignedWriter::finish(std::size_t end) {
  result_.bounds.push_back(source_.bounds[end]);
  return std::move(result_);
}

}  // namespace sqpsych::tokenizers
