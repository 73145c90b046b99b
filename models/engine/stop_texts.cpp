#include "models/engine/stop_texts.h"

#include <algorithm>
#include <utility>

namespace sqpsych {
namespace {

/// Length of the longest end of `text` that is a beginning of `stop`.
std::size_t overlap(std::string_view text, std::string_view stop) {
  for (auto length = std::min(text.size(), stop.size()); length > 0; --length)
    if (text.ends_with(stop.substr(0, length))) return length;
  return 0;
}

}  // namespace

std::string StopTexts::push(std::string_view piece) {
  if (found_) return "";
  held_ += piece;
  std::size_t first = std::string::npos;
  std::size_t kept = 0;
  for (const auto& stop : stops_) {
    if (stop.empty()) continue;
    first = std::min(first, held_.find(stop));
    kept = std::max(kept, overlap(held_, stop));
  }
  found_ = first != std::string::npos;
  const auto final_bytes = found_ ? first : held_.size() - kept;
  auto text = held_.substr(0, final_bytes);
  held_.erase(0, found_ ? held_.size() : final_bytes);
  return text;
}

std::string StopTexts::finish() { return std::exchange(held_, ""); }

}  // namespace sqpsych
