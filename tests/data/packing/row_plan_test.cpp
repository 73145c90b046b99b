#include "data/packing/row_plan.h"

#include <gmock/gmock.h>

#include <set>

#include "core/error.h"
#include "core/text.h"
#include "data/datasets/dataset.h"
#include "data/packing/pack.h"
#include "tests/data/packing/rows_for_tests.h"
#include "tests/support/error_text.h"
#include "tests/support/shared_data.h"

namespace sqpsych {
namespace {

using testing::chat_row;
using testing::error_text;
using ::testing::HasSubstr;
using testing::supervised_ids;

/// Tokenizer and template of a real model; every test below skips without real inputs.
struct Parts {
  std::unique_ptr<Tokenizer> tokenizer;
  std::unique_ptr<ChatTemplate> chat_template;
};

Parts load(const std::filesystem::path& folder, const std::string& template_name) {
  Parts parts;
  parts.tokenizer = load_tokenizer(folder);
  parts.chat_template = make_chat_template(template_name, *parts.tokenizer);
  return parts;
}

DatasetRow raw_row(const std::string& id, const std::string& prompt,
                   const std::string& completion) {
  DatasetRow row;
  row.id = id;
  row.prompt = prompt;
  row.completion = completion;
  return row;
}

/// What the loss of a whole row must be: assistant contents, each with the terminator.
std::string expected_loss_text(const DatasetRow& row, const ChatTemplate& chat_template) {
  std::string text;
  for (const auto& message : row.messages)
    if (message.role == "assistant" && message.weight.value_or(1) != 0)
      text += message.content + chat_template.terminator();
  return text;
}

std::string without_spaces(const std::string& text) {
  return replace_all(replace_all(text, " ", ""), "\n", "");
}

const char* kStory =
    "Once upon a time, there was a little girl named Lily. She had a toy car that she loved.";

std::string story(int sentences) {
  std::string text;
  for (int i = 0; i < sentences; ++i) text += format("{}{} {}", i > 0 ? " " : "", kStory, i);
  return text;
}

#define NEED_PARTS(parts, template_name)                        \
  SQPSYCH_NEED_SHARED(parts##_folder, "data/tinystories-656k"); \
  const Parts parts = load(parts##_folder, template_name)

/// Every supervised token exactly once, nothing too long, terminators kept, ids and origins right.
void expect_windows_cover(const DatasetRow& row, const Parts& parts,
                          const RowPlanOptions& options) {
  const TokenizedRow whole = tokenize_row(row, *parts.tokenizer, parts.chat_template.get(), "all");
  RowPlanReport report;
  const auto windows =
      tokenize_rows({row}, *parts.tokenizer, parts.chat_template.get(), options, report);
  EXPECT_EQ(supervised_ids(windows), supervised_ids(whole))
      << row.id << " at " << options.max_length;
  EXPECT_EQ(report.supervised_tokens, count_supervised(whole));
  ASSERT_EQ(report.origins.size(), windows.size());
  std::set<std::string> ids;
  for (std::size_t i = 0; i < windows.size(); ++i) {
    EXPECT_LE(std::ssize(windows[i].ids), options.max_length);
    EXPECT_EQ(windows[i].ids.size(), windows[i].supervised.size());
    EXPECT_EQ(windows[i].supervised[0], 0);
    EXPECT_GT(count_supervised(windows[i]), 0);
    EXPECT_EQ(report.origins[i].windows, std::ssize(windows));
    EXPECT_TRUE(ids.insert(windows[i].id).second);
  }
}

TEST(TokenizeRows, SupervisesRepliesAndTerminators) {
  SQPSYCH_NEED_SHARED(folder, "data/tinystories-656k");
  for (const auto& name : chat_template_names()) {
    const Parts parts = load(folder, name);
    const DatasetRow row =
        chat_row("a", {"Hello.", "Hi, how are you?", "I am sad.", "Why?\nTell me more."});
    const TokenizedRow whole =
        tokenize_row(row, *parts.tokenizer, parts.chat_template.get(), "all");
    EXPECT_EQ(without_spaces(parts.tokenizer->decode(supervised_ids(whole), false)),
              without_spaces(expected_loss_text(row, *parts.chat_template)))
        << name;
  }
}

TEST(TokenizeRows, KeepsRowsThatFit) {
  NEED_PARTS(parts, "chatml");
  RowPlanReport report;
  RowPlanOptions options;
  const std::vector<DatasetRow> rows = {chat_row("a", {"Hello.", "Hi."}),
                                        chat_row("b", {"Bye.", "Bye."})};
  const auto tokenized =
      tokenize_rows(rows, *parts.tokenizer, parts.chat_template.get(), options, report);
  ASSERT_EQ(tokenized.size(), 2U);
  EXPECT_EQ(tokenized[0].id, "a");
  EXPECT_EQ(tokenized[1].client_id, "cb");
  EXPECT_EQ(report.rows_windowed, 0);
  EXPECT_EQ(report.context_tokens_left_out, 0);
  EXPECT_EQ(report.tokens, std::ssize(tokenized[0].ids) + std::ssize(tokenized[1].ids));
}

TEST(TokenizeRows, WindowsCoverEverySupervisedTokenOnce) {
  SQPSYCH_NEED_SHARED(folder, "data/tinystories-656k");
  const DatasetRow rows[] = {
      chat_row("short-turns", {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"}),
      chat_row("long-reply", {"Tell me.", story(16), "More.", "No.", "Why?", story(2)}),
      chat_row("long-question", {story(16), "I see.", story(16), story(16)}),
      chat_row("everything",
               {story(3), story(4), story(1), story(12), "Yes", story(3), story(2), "Fine."}),
  };
  for (const auto& name : chat_template_names()) {
    const Parts parts = load(folder, name);
    for (const auto& row : rows)
      for (const std::int64_t max_length : {100, 256, 512})
        for (const double share : {0.0, 0.5}) {
          RowPlanOptions options;
          options.max_length = max_length;
          options.window_context = share;
          expect_windows_cover(row, parts, options);
        }
  }
}

TEST(TokenizeRows, WindowsStartWithTheSystemMessageAndALatestTurn) {
  NEED_PARTS(parts, "chatml");
  std::vector<std::string> turns;
  for (int i = 0; i < 30; ++i) turns.push_back(format("This is turn number {} of the talk.", i));
  RowPlanOptions options;
  options.max_length = 300;
  RowPlanReport report;
  const auto windows = tokenize_rows({chat_row("a", turns)}, *parts.tokenizer,
                                     parts.chat_template.get(), options, report);
  ASSERT_GT(windows.size(), 2U);
  std::set<std::string> replies;
  for (std::size_t i = 0; i < windows.size(); ++i) {
    const std::string text = parts.tokenizer->decode(windows[i].ids, true);
    EXPECT_THAT(text, HasSubstr("You listen."));
    EXPECT_EQ(i == 0, report.origins[i].context_left_out == 0) << i;
    EXPECT_EQ(windows[i].id, format("a#{}", i + 1));
    if (i == 0) continue;
    EXPECT_LT(count_supervised(windows[i]) * 2, std::ssize(windows[i].ids)) << "context in front";
  }
  EXPECT_EQ(report.rows_windowed, 1);
  EXPECT_THAT(report.text(), HasSubstr("no supervised token is lost"));
}

TEST(TokenizeRows, ContextRepliesAreMasked) {
  NEED_PARTS(parts, "chatml");
  DatasetRow row = chat_row("a", {story(2), story(2), story(2), story(2), story(2), story(2)});
  row.messages[2].weight = 0;
  RowPlanOptions options;
  options.max_length = 256;
  expect_windows_cover(row, parts, options);
}

TEST(TokenizeRows, DropsOrRefusesWhenAsked) {
  NEED_PARTS(parts, "chatml");
  const std::vector<DatasetRow> rows = {chat_row("long", {"a", story(20)}),
                                        chat_row("short", {"a", "b"})};
  RowPlanOptions options;
  options.max_length = 128;
  options.over_length = "drop";
  RowPlanReport report;
  const auto kept =
      tokenize_rows(rows, *parts.tokenizer, parts.chat_template.get(), options, report);
  ASSERT_EQ(kept.size(), 1U);
  EXPECT_EQ(kept[0].id, "short");
  EXPECT_EQ(report.rows_dropped, 1);
  EXPECT_THAT(report.dropped_ids, ::testing::ElementsAre("long"));
  EXPECT_GT(report.supervised_tokens_dropped, 128);
  EXPECT_EQ(report.origins[0].row, 1U);
  options.over_length = "error";
  const auto error = error_text<FormatError>(
      [&] { tokenize_rows(rows, *parts.tokenizer, parts.chat_template.get(), options, report); });
  EXPECT_THAT(error, HasSubstr("row 'long': found"));
  EXPECT_THAT(error, HasSubstr("expected at most 128 (max_length)"));
}

TEST(TokenizeRows, NamesEveryRowWithoutASupervisedToken) {
  NEED_PARTS(parts, "chatml");
  DatasetRow masked = chat_row("masked", {"a", "b"});
  masked.messages[2].weight = 0;
  const std::vector<DatasetRow> rows = {chat_row("good", {"a", "b"}),
                                        chat_row("question-only", {"a"}), masked};
  RowPlanReport report;
  const auto error = error_text<FormatError>(
      [&] { tokenize_rows(rows, *parts.tokenizer, parts.chat_template.get(), {}, report); });
  EXPECT_THAT(error, HasSubstr("row 'question-only': found no supervised token"));
  EXPECT_THAT(error, HasSubstr("row 'masked': found no supervised token"));
  EXPECT_THAT(error, ::testing::Not(HasSubstr("'good'")));
}

TEST(TokenizeRows, NamesSettingsThatCannotWork) {
  NEED_PARTS(parts, "chatml");
  RowPlanReport report;
  RowPlanOptions options;
  DatasetRow row = chat_row("a", {"a", story(10)});
  row.messages[0].content = story(20);
  options.max_length = 64;
  const auto error = error_text<ConfigError>(
      [&] { tokenize_rows({row}, *parts.tokenizer, parts.chat_template.get(), options, report); });
  EXPECT_THAT(error, HasSubstr("max_length: row 'a': found"));
  EXPECT_THAT(error, HasSubstr("shorten the system message"));
  EXPECT_THROW(tokenize_rows({row}, *parts.tokenizer, nullptr, options, report), ConfigError);
  options.max_length = 1;
  EXPECT_THROW(tokenize_rows({row}, *parts.tokenizer, parts.chat_template.get(), options, report),
               ConfigError);
}

TEST(TokenizeRows, TakesEmptyDataAndRefusesOneTokenRows) {
  NEED_PARTS(parts, "chatml");
  RowPlanReport report;
  EXPECT_TRUE(tokenize_rows({}, *parts.tokenizer, nullptr, {}, report).empty());
  EXPECT_EQ(report.rows, 0);
  const TokenizedRow smallest =
      tokenize_row(raw_row("one", "", "a"), *parts.tokenizer, nullptr, "all");
  EXPECT_EQ(smallest.supervised[0], 0);
  EXPECT_EQ(count_supervised(smallest), std::ssize(smallest.ids) - 1);
}

TEST(TokenizeRows, RawRowsTrainOnEverythingAndOnTheirEnd) {
  NEED_PARTS(parts, "chatml");
  const DatasetRow row = raw_row("r", "Client: Hi.\nTherapist:", " Hello there.");
  const TokenizedRow all = tokenize_row(row, *parts.tokenizer, nullptr, "all");
  EXPECT_EQ(count_supervised(all), std::ssize(all.ids) - 1);
  ASSERT_TRUE(parts.tokenizer->eos());
  EXPECT_EQ(all.ids.back(), *parts.tokenizer->eos());
  const TokenizedRow reply = tokenize_row(row, *parts.tokenizer, nullptr, "completion");
  EXPECT_EQ(reply.ids, all.ids);
  // A piece that holds the last letter of the prompt and the first of the completion counts.
  EXPECT_THAT(without_spaces(parts.tokenizer->decode(supervised_ids(reply), true)),
              ::testing::AnyOf("Hellothere.", ":Hellothere."));
  EXPECT_LT(count_supervised(reply), count_supervised(all));
}

TEST(TokenizeRows, CutsRawRowsBetweenTokens) {
  NEED_PARTS(parts, "chatml");
  RowPlanOptions options;
  for (const std::int64_t max_length : {2, 3, 100})
    for (const double share : {0.0, 0.5, 0.95}) {
      options.max_length = max_length;
      options.window_context = share;
      expect_windows_cover(raw_row("r", story(10), " " + story(5)), parts, options);
    }
}

TEST(TokenizeRows, SpecialTextInContentsStaysText) {
  NEED_PARTS(parts, "chatml");
  const auto eos = parts.tokenizer->eos();
  ASSERT_TRUE(eos);
  const std::string eos_text = parts.tokenizer->token_of(*eos);
  const TokenizedRow row =
      tokenize_row(raw_row("r", "a " + eos_text + " b", " c"), *parts.tokenizer, nullptr, "all");
  EXPECT_EQ(std::count(row.ids.begin(), row.ids.end(), *eos), 1) << "only the end we add";
}

TEST(TokenizeRows, IsTheSameForAnyNumberOfThreads) {
  NEED_PARTS(parts, "chatml");
  std::vector<DatasetRow> rows;
  for (int i = 0; i < 40; ++i)
    rows.push_back(chat_row(std::to_string(i), {story(i % 7 + 1), story(i % 5 + 1), "a", "b"}));
  RowPlanOptions options;
  options.max_length = 200;
  RowPlanReport report;
  const auto together =
      tokenize_rows(rows, *parts.tokenizer, parts.chat_template.get(), options, report);
  std::size_t next = 0;
  for (const auto& row : rows) {
    RowPlanReport single;
    for (const auto& part :
         tokenize_rows({row}, *parts.tokenizer, parts.chat_template.get(), options, single)) {
      ASSERT_LT(next, together.size());
      EXPECT_EQ(together[next].id, part.id);
      EXPECT_EQ(together[next++].ids, part.ids);
    }
  }
  EXPECT_EQ(next, together.size());
}

TEST(TokenizeRows, FitsMagnetSessionsIntoTheSmallModel) {
  NEED_PARTS(parts, "chatml");
  SQPSYCH_NEED_SHARED(file, "data/magnet/magnet_sessions.jsonl");
  DatasetConfig config;
  config.split.validation = config.split.test = 0.45;
  const Dataset dataset = build_dataset({file}, config);
  const auto& rows = dataset.splits[0];
  ASSERT_GT(rows.size(), 20U);
  RowPlanOptions options;
  options.max_length = 512;
  RowPlanReport report;
  const auto windows =
      tokenize_rows(rows, *parts.tokenizer, parts.chat_template.get(), options, report);
  EXPECT_EQ(report.rows_windowed, std::ssize(rows));
  EXPECT_GT(report.longest_row, 4186);
  std::size_t next = 0;
  for (const auto& row : rows) {
    std::vector<TokenId> found;
    for (; next < windows.size() && windows[next].id.starts_with(row.id + "#"); ++next) {
      EXPECT_LE(windows[next].ids.size(), 512U);
      for (const TokenId id : supervised_ids(windows[next])) found.push_back(id);
    }
    EXPECT_EQ(found,
              supervised_ids(tokenize_row(row, *parts.tokenizer, parts.chat_template.get(), "all")))
        << row.id;
  }
  EXPECT_EQ(next, windows.size());
  const auto packs = pack_rows(lengths_of(windows), 512);
  EXPECT_LE(packs.size(), windows.size());
}

}  // namespace
}  // namespace sqpsych
