#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sqpsych {

/// Watches a growing text for the first stop text, also where one straddles several pieces, and
/// holds back what may still become one.
class StopTexts {
 public:
  explicit StopTexts(std::vector<std::string> stops) : stops_(std::move(stops)) {}

  /// Adds a piece and returns the text that is final now. Sets found().
  std::string push(std::string_view piece);
  /// What was held back when the text ends without a stop text.
  std::string finish();
  bool found() const { return found_; }

 private:
  std::vector<std::string> stops_;
  std::string held_;
  bool found_ = false;
};

}  // namespace sqpsych
