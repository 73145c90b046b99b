#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/json.h"

namespace sqpsych {

/// Markup that may stand in a page as it is. Plain text becomes one only through escaping.
struct Html {
  std::string markup;
};

/// A table of plain texts; columns in which every cell is a number are set flush right.
struct Table {
  std::vector<std::string> header;
  std::vector<std::vector<std::string>> rows;
};

/// Builds one self-contained HTML page. Every text argument is plain text and is escaped here;
/// nothing else writes markup but the charts. The page refers to nothing outside itself.
class Page {
 public:
  void section(std::string_view title);
  void heading(std::string_view text);
  void paragraph(std::string_view text);
  /// A paragraph that must not be overlooked.
  void banner(std::string_view text);
  /// Figures with their names, side by side.
  void figures(const std::vector<std::pair<std::string, std::string>>& name_and_value);
  void table(const Table& table);
  void chart(const Html& chart) { body_ += chart.markup; }
  /// A JSON value, folded behind its title.
  void folded_json(std::string_view title, const Json& value);
  /// One utterance of a conversation.
  void utterance(std::string_view speaker, std::string_view text, bool is_left);

  std::string document(std::string_view title, std::string_view subtitle) const;

 private:
  void close_section();
  std::string body_;
  bool in_section_ = false;
};

/// A number for a reader: `1,234`, `0.1235`, `3.1e-05`.
std::string shown_number(double value);
/// A JSON scalar as text: strings without quotes, numbers by shown_number.
std::string shown_scalar(const Json& value);

}  // namespace sqpsych
