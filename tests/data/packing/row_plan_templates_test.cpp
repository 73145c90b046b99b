#include <gmock/gmock.h>

#include "data/packing/row_plan.h"
#include "tests/data/packing/rows_for_tests.h"
#include "tests/models/chat_templates/tiny_tokenizer.h"

namespace sqpsych {
namespace {

using testing::chat_row;
using ::testing::HasSubstr;
using testing::supervised_ids;

/// A tokenizer and a template of this source.
struct Rendering {
  explicit Rendering(const std::string& source)
      : tokenizer(testing::tiny_tokenizer({{"eos_token", "</s>"}})) {
    TemplateSources sources;
    sources.standard = source;
    chat_template = choose_chat_template({}, sources, *tokenizer);
  }
  std::vector<TokenizedRow> rows_of(const DatasetRow& row, const RowPlanOptions& options = {}) {
    return tokenize_rows({row}, *tokenizer, chat_template.get(), options, report);
  }
  std::unique_ptr<Tokenizer> tokenizer;
  std::unique_ptr<ChatTemplate> chat_template;
  RowPlanReport report;
};

TEST(RowPlan, WindowsHoldSeveralRepliesWhereATemplateWritesBetweenMessages) {
  Rendering rendering(
      "{% for m in messages %}{{ '\n' if not loop.first }}<|{{ m.role }}|>{{ m.content }}<|stop|>"
      "{% endfor %}");
  DatasetRow row = chat_row("a", {"q", "one", "r", "two", "s", "three", "t", "four"});
  row.messages.erase(row.messages.begin());
  const auto whole = rendering.rows_of(row);
  ASSERT_EQ(whole.size(), 1U);
  RowPlanOptions options;
  options.over_length = "window";
  options.max_length = static_cast<std::int64_t>(whole[0].ids.size()) - 1;
  const auto windows = rendering.rows_of(row, options);
  EXPECT_EQ(windows.size(), 2U);
  EXPECT_EQ(supervised_ids(windows), supervised_ids(whole));
}

TEST(RowPlan, ATemplateThatRewritesEarlierTurnsGivesARowPerReply) {
  Rendering rendering(
      "{% for m in messages %}<|{{ m.role }}|>"
      "{{ m.content if loop.last else m.content | upper }}<|stop|>{% endfor %}");
  const auto& tokenizer = rendering.tokenizer;
  const auto& report = rendering.report;
  DatasetRow row = chat_row("a", {"q", "one", "r", "two", "s", "three", "bye"});
  row.messages[4].weight = 0;
  const auto tokenized = rendering.rows_of(row);
  ASSERT_EQ(tokenized.size(), 2U);
  EXPECT_EQ(tokenized[0].id, "a#1");
  EXPECT_EQ(tokenizer->decode(tokenized[0].ids, false),
            "<|system|>YOU LISTEN.<|stop|><|user|>Q<|stop|><|assistant|>one<|stop|>");
  EXPECT_EQ(tokenizer->decode(supervised_ids(tokenized[0]), false), "one<|stop|>");
  EXPECT_EQ(tokenizer->decode(supervised_ids(tokenized[1]), false), "three<|stop|>");
  EXPECT_EQ(report.rows_by_reply, 1);
  EXPECT_EQ(report.rows_windowed, 0);
  EXPECT_THAT(report.text(), HasSubstr("1 rows became one row for each reply"));
  RowPlanOptions options;
  options.max_length = static_cast<std::int64_t>(tokenized[0].ids.size());
  options.over_length = "drop";
  const auto kept = rendering.rows_of(row, options);
  ASSERT_EQ(kept.size(), 1U);
  EXPECT_EQ(report.replies_dropped, 1);
  EXPECT_EQ(report.rows_dropped, 0);
  EXPECT_EQ(report.supervised_tokens_dropped, 6);
}

}  // namespace
}  // namespace sqpsych
