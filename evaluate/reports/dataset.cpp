#include <array>
#include <set>

#include "core/json_lines.h"
#include "core/text.h"
#include "data/datasets/dataset_row.h"
#include "evaluate/reports/report.h"
#include "evaluate/reports/tally.h"

namespace sqpsych {
namespace {

constexpr std::array kSplits = {"train", "validation", "test"};

std::string split_file(const char* split) { return std::string(split) + ".jsonl"; }

struct SplitAccount {
  std::set<std::string> clients;
  std::int64_t num_rows = 0, num_messages = 0, num_assistant = 0, size_bytes = 0;

  void add(const DatasetRow& row) {
    ++num_rows;
    clients.insert(row.client_id);
    num_messages += static_cast<std::int64_t>(row.messages.size());
    size_bytes += static_cast<std::int64_t>(row.prompt.size() + row.completion.size());
    for (const auto& message : row.messages) {
      num_assistant += message.role == "assistant";
      size_bytes += static_cast<std::int64_t>(message.content.size());
    }
  }
};

class DatasetReport : public Report {
 public:
  std::string name() const override { return "Dataset"; }
  std::string recognised_by() const override { return "train.jsonl"; }
  bool knows(const ReportSource& source) const override {
    return source.has("train.jsonl") && !source.has("metrics.jsonl");
  }

  void write(const ReportSource& source, const ReportSettings&, Page& page) const override {
    Table table{{"split", "rows", "clients", "messages", "counselor messages", "bytes of text"},
                {}};
    std::vector<Bar> bars;
    for (const char* split : kSplits) {
      if (!source.has(split_file(split))) continue;
      SplitAccount account;
      const auto file = source.path / split_file(split);
      for_each_line(file, [&](Json record, std::int64_t line) {
        account.add(dataset_row_from_json(record, format("{}:{}", file.string(), line)));
      });
      table.rows.push_back({split, with_thousands(account.num_rows),
                            with_thousands(static_cast<std::int64_t>(account.clients.size())),
                            with_thousands(account.num_messages),
                            with_thousands(account.num_assistant),
                            with_thousands(account.size_bytes)});
      bars.push_back({split, account.num_rows});
    }
    page.table(table);
    page.chart(bar_chart("Rows by split", bars));
  }
};

}  // namespace

const Report& dataset_report() {
  static const DatasetReport report;
  return report;
}

}  // namespace sqpsych
