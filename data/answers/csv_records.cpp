#include "data/answers/csv_records.h"

#include "core/error.h"
#include "core/interrupt.h"
#include "core/text.h"

namespace sqpsych {
namespace {

class Splitter {
 public:
  Splitter(std::string_view text, char delimiter, const std::filesystem::path& file)
      : text_(text), delimiter_(delimiter), file_(file) {}

  /// The next non-empty record; false at the end.
  bool next(CsvRecord& record) {
    while (position_ < text_.size()) {
      record = {line_, ++row_, {}};
      start_ = position_;
      read_record(record);
      if (record.fields.size() > 1 || !record.fields.front().empty()) return true;
    }
    return false;
  }

 private:
  bool at_line_end() const { return text_[position_] == '\n' || text_[position_] == '\r'; }

  void skip_line_end() {
    if (text_[position_] == '\r' && position_ + 1 < text_.size() && text_[position_ + 1] == '\n')
      ++position_;
    ++position_;
    ++line_;
  }

  void read_record(CsvRecord& record) {
    while (true) {
      std::string& field = record.fields.emplace_back();
      if (position_ < text_.size() && text_[position_] == '"') read_quoted(field);
      // After a closing quote the rest of the field is taken as it is.
      while (position_ < text_.size() && text_[position_] != delimiter_ && !at_line_end()) {
        field += text_[position_++];
        check_length();
      }
      if (position_ >= text_.size()) return;
      if (at_line_end()) return skip_line_end();
      ++position_;
    }
  }

  void read_quoted(std::string& field) {
    const std::int64_t opened = line_;
    ++position_;
    while (position_ < text_.size()) {
      const char current = text_[position_];
      if (current == '"') {
        ++position_;
        if (position_ >= text_.size() || text_[position_] != '"') return;
      } else if (current == '\r' && text_.substr(position_).starts_with("\r\n")) {
        ++position_;  // a line break inside a field is one \n
        continue;
      } else if (current == '\n') {
        ++line_;
      }
      field += text_[position_++];
      check_length();
    }
    throw FormatError(
        format("answers: '{}': line {}: found a quote that is never closed, expected "
               "a second one",
               file_.string(), opened));
  }

  void check_length() const {
    if (position_ - start_ > kLongestRecordBytes)
      throw FormatError(
          format("answers: '{}': line {}: found a row of over {}, expected a table of "
                 "answers. Is a quote not closed?",
                 file_.string(), line_, bytes_text(kLongestRecordBytes)));
  }

  std::string_view text_;
  char delimiter_;
  const std::filesystem::path& file_;
  std::size_t position_ = 0;
  std::size_t start_ = 0;
  std::int64_t line_ = 1;
  std::int64_t row_ = 0;
};

}  // namespace

std::vector<CsvRecord> split_csv(std::string_view text, char delimiter, std::size_t limit,
                                 const std::filesystem::path& file) {
  Splitter splitter(text, delimiter, file);
  std::vector<CsvRecord> records;
  CsvRecord record;
  while ((limit == 0 || records.size() < limit) && splitter.next(record)) {
    throw_if_interrupted(file.c_str());
    records.push_back(std::move(record));
  }
  return records;
}

}  // namespace sqpsych
