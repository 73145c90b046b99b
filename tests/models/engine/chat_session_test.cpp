#include "models/engine/chat_session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/json_lines.h"
#include "models/new_model.h"
#include "tests/support/temporary_folder.h"

namespace sqpsych {
namespace {

/// A new random model made from a short text, with its own tokenizer.
class NewModel : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new testing::TemporaryFolder;
    std::string text;
    for (int i = 0; i < 400; ++i)
      text += format("Sentence {} speaks of sleep, work and worries number {}.\n", i, i * 37 % 101);
    testing::write_text(*folder_ / "text.txt", text);
    NewModelConfig config;
    config.vocabulary_size = 400;
    config.hidden_size = 32;
    config.intermediate_size = 48;
    config.max_position_embeddings = 160;
    write_new_model(config, {*folder_ / "text.txt"}, *folder_ / "model", Existing::kRefuse);
  }
  static void TearDownTestSuite() { delete folder_; }
  static std::filesystem::path path() { return *folder_ / "model"; }
  static testing::TemporaryFolder* folder_;
};
testing::TemporaryFolder* NewModel::folder_ = nullptr;

TEST_F(NewModel, IsAFolderThatLoadsWithItsTemplate) {
  auto model = load_model(path(), std::nullopt, {});
  EXPECT_EQ(model.decoder->features().vocabulary_size, model.tokenizer->size());
  const auto chat_template = chat_template_of(model, {});
  EXPECT_EQ(chat_template->name(), "chatml");
  const auto terminator = model.tokenizer->id_of(chat_template->terminator());
  ASSERT_TRUE(terminator.has_value()) << "markers are pieces of the vocabulary";
  EXPECT_THAT(model.end_tokens, ::testing::Contains(*terminator));
  EXPECT_TRUE(read_json(path() / "tokenizer_config.json").contains("chat_template"));
  EXPECT_TRUE(std::filesystem::exists(path() / "manifest.json"));
  EXPECT_THROW(write_new_model({}, {*folder_ / "text.txt"}, path(), Existing::kRefuse),
               ConfigError);
}

TEST_F(NewModel, TemplatesOfAnAdapterOutrankThoseOfItsBase) {
  const testing::TemporaryFolder adapter;
  const auto file = adapter / "tokenizer_config.json";
  auto model = load_model(path(), std::nullopt, {});
  model.adapter = adapter.path();
  const auto source_of = [&](const char* name) {
    ModelOptions options;
    options.chat_template = name;
    return chat_template_of(model, options)->jinja_source();
  };
  const auto of_base = source_of("");
  testing::write_text(file, R"({"chat_template": [{"name": "short", "template": "named"}]})");
  EXPECT_EQ(source_of("short"), "named");
  EXPECT_EQ(source_of(""), of_base) << "named ones leave the base's default where it is";
  testing::write_text(file, R"({"chat_template": "trained with this"})");
  EXPECT_EQ(source_of(""), "trained with this");
}

TEST_F(NewModel, WeightsAreAFunctionOfTheSeed) {
  Decoder first(read_features(path()), at::kFloat, at::kCPU),
      second(read_features(path()), at::kFloat, at::kCPU);
  initialise_weights(first, 1);
  initialise_weights(second, 1);
  const auto& weight = *first.parameters()[0].second;
  EXPECT_TRUE(weight.equal(*second.parameters()[0].second));
  EXPECT_NEAR(weight.std().item<double>(), 0.02, 0.002);
  initialise_weights(second, 2);
  EXPECT_FALSE(weight.equal(*second.parameters()[0].second));
}

TEST_F(NewModel, ChatKeepsItsHistoryAndForgetsTheOldest) {
  auto model = load_model(path(), std::nullopt, {});
  CompletionConfig config;
  config.system = "You listen.";
  config.sampling.max_tokens = 10;
  ChatSession session(model, config);
  std::string streamed;
  const auto collect = [&](std::string_view piece) {
    streamed += piece;
    return true;
  };
  const auto reply = session.say("I slept badly.", collect);
  EXPECT_EQ(streamed, reply.text);
  ASSERT_EQ(session.history().size(), 3u);
  EXPECT_EQ(session.history()[2].content, reply.text);
  for (int turn = 0; turn < 8; ++turn) session.say("And work was hard today.", collect);
  EXPECT_GT(session.forgotten(), 0);
  EXPECT_EQ(session.history()[0].role, "system");
  EXPECT_EQ(session.history()[1].role, "user");
  const auto before = session.history().size();
  EXPECT_THROW(session.say(std::string(4000, 'x'), collect), ConfigError);
  EXPECT_EQ(session.history().size(), before) << "a message that does not fit leaves no trace";
  session.reset();
  EXPECT_EQ(session.history().size(), 1u);
}

TEST_F(NewModel, SameConversationSameReplies) {
  auto model = load_model(path(), std::nullopt, {});
  const auto talk = [&] {
    ChatSession session(model, {});
    std::string all;
    for (const char* text : {"Hello.", "I worry."}) all += session.say(text, {}).text + "|";
    return all;
  };
  EXPECT_EQ(talk(), talk());
}

TEST(TrainingTexts, ComeFromPlainTextAndJsonRows) {
  const testing::TemporaryFolder folder;
  testing::write_text(folder / "a.txt", "one\n\n two \r\n");
  EXPECT_EQ(read_training_texts(folder / "a.txt"), (std::vector<std::string>{"one", "two"}));
  testing::write_text(
      folder / "b.jsonl",
      R"({"messages": [{"role": "user", "content": "hello"}, {"role": "assistant", "content": "good\nday"}], "id": "x"})");
  EXPECT_EQ(read_training_texts(folder / "b.jsonl"),
            (std::vector<std::string>{"hello", "good", "day"}));
  testing::write_text(
      folder / "c.json",
      R"([{"conversations": [{"from": "human", "value": "v"}]}, {"prompt": "p", "completion": "c"}, "s"])");
  EXPECT_EQ(read_training_texts(folder / "c.json"), (std::vector<std::string>{"v", "p", "c", "s"}));
  testing::write_text(folder / "d.jsonl", R"({"id": "x"})");
  EXPECT_THROW(read_training_texts(folder / "d.jsonl"), FormatError);
  testing::write_text(folder / "e.txt", "bad \xff byte");
  EXPECT_THROW(read_training_texts(folder / "e.txt"), FormatError);
}

TEST(TokenIds, AreParsedStrictly) {
  EXPECT_EQ(parse_token_ids("1, 2,30"), (std::vector<TokenId>{1, 2, 30}));
  for (const char* text : {"", "1,,2", "1,a", "-1", "1.5", "99999999999"})
    EXPECT_THROW(parse_token_ids(text), ConfigError) << text;
}

}  // namespace
}  // namespace sqpsych
