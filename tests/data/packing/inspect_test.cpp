#include "data/packing/inspect.h"

#include <gmock/gmock.h>

#include "core/text.h"
#include "tests/support/shared_data.h"

namespace sqpsych {
namespace {

using ::testing::HasSubstr;

struct Inspected {
  std::unique_ptr<Tokenizer> tokenizer;
  RowPlanReport report;
  std::vector<TokenizedRow> rows;
};

Inspected inspect(const std::filesystem::path& folder, const std::string& reply,
                  std::int64_t max_length) {
  Inspected result;
  result.tokenizer = load_tokenizer(folder);
  const auto chat_template = make_chat_template("chatml", *result.tokenizer);
  DatasetRow row;
  row.id = "row-1";
  row.client_id = "client-1";
  row.messages = {{"user", "How are <you>?", std::nullopt}, {"assistant", reply, std::nullopt}};
  RowPlanOptions options;
  options.max_length = max_length;
  result.rows =
      tokenize_rows({row}, *result.tokenizer, chat_template.get(), options, result.report);
  return result;
}

TEST(Inspect, MarksWhatIsSupervised) {
  SQPSYCH_NEED_SHARED(folder, "data/tinystories-656k");
  const Inspected made = inspect(folder, "I am fine.", 0);
  const Inspection inspection = {made.rows, made.report, *made.tokenizer, 0};
  const std::string plain = inspect_text(inspection, InspectStyle::kPlain);
  const std::size_t begin = plain.find("⟦");
  ASSERT_NE(begin, std::string::npos);
  const std::string inside = plain.substr(begin, plain.find("⟧") - begin);
  EXPECT_THAT(inside, HasSubstr("I am fine."));
  EXPECT_THAT(inside, ::testing::Not(HasSubstr("How are")));
  EXPECT_THAT(plain, HasSubstr(format("{} supervised", count_supervised(made.rows[0]))));
  EXPECT_THAT(plain, HasSubstr("row row-1 (client client-1)"));
}

TEST(Inspect, TokenTextsJoinToTheText) {
  SQPSYCH_NEED_SHARED(folder, "data/tok-phi3");
  const auto tokenizer = load_tokenizer(folder);
  const std::string text = "Grüße 你好 🙂 done";
  const auto ids = tokenizer->encode_ids(text, false);
  EXPECT_THAT(join(token_texts(*tokenizer, ids), ""), HasSubstr("Grüße 你好 🙂 done"));
  EXPECT_EQ(token_texts(*tokenizer, ids).size(), ids.size());
}

TEST(Inspect, NamesWindowsAndCuts) {
  SQPSYCH_NEED_SHARED(folder, "data/tinystories-656k");
  std::string reply;
  for (int i = 0; i < 60; ++i) reply += format("Sentence number {}. ", i);
  const Inspected made = inspect(folder, reply, 128);
  ASSERT_GT(made.rows.size(), 2U);
  const std::string text =
      inspect_text({made.rows, made.report, *made.tokenizer, 2}, InspectStyle::kAnsi);
  EXPECT_THAT(text, HasSubstr(format("window 2 of {}", made.rows.size())));
  EXPECT_THAT(text, HasSubstr("tokens of earlier context are not shown"));
  EXPECT_THAT(text, HasSubstr(format("... {} more token rows", made.rows.size() - 2)));
  EXPECT_THAT(text, HasSubstr("\x1b[30;42m"));
}

TEST(Inspect, EscapesTextForTerminalAndPage) {
  SQPSYCH_NEED_SHARED(folder, "data/tinystories-656k");
  const Inspected made = inspect(folder,
                                 "\x1b[31mred <b>\x07\xC2\x9B"
                                 "31mü",
                                 0);
  const Inspection inspection = {made.rows, made.report, *made.tokenizer, 0};
  const std::string plain = inspect_text(inspection, InspectStyle::kPlain);
  EXPECT_EQ(plain.find('\x1b'), std::string::npos);
  EXPECT_EQ(plain.find('\x07'), std::string::npos);
  EXPECT_EQ(plain.find("\xC2\x9B"), std::string::npos);
  const std::string page = inspect_html(inspection, "a & b");
  EXPECT_THAT(page, HasSubstr("<title>a &amp; b</title>"));
  EXPECT_EQ(page.find("<b>"), std::string::npos);
  EXPECT_EQ(page.find("http"), std::string::npos) << "self-contained";
}

}  // namespace
}  // namespace sqpsych
