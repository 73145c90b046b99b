#include <gmock/gmock.h>

#include <algorithm>

#include "core/files.h"
#include "core/random.h"
#include "core/text.h"
#include "models/tokenizers/tokenizer.h"
#include "tests/support/error_text.h"
#include "tests/support/shared_data.h"
#include "tests/support/temporary_folder.h"

namespace sqpsych {
namespace {

using ::testing::HasSubstr;
using testing::shared_data;
using testing::TemporaryFolder;
using testing::write_text;
using Ids = std::vector<TokenId>;

std::vector<std::string> training_lines() {
  std::vector<std::string> lines;
  for (int i = 0; i < 60; ++i)
    lines.push_back(
        format("The client said they felt tired on day {} and the counselor listened, gently.", i));
  lines.emplace_back("Gr\xC3\xBC\xC3\x9F Gott, wie geht es Ihnen?");
  return lines;
}

std::string random_text(RandomStream& random) {
  static const std::vector<std::string> parts = {"the ",
                                                 "client",
                                                 " felt",
                                                 "  ",
                                                 "\n",
                                                 "\t",
                                                 "7",
                                                 "Gr\xC3\xBC\xC3\x9F",
                                                 "\xF0\x9F\xA6\x99",
                                                 "<s>",
                                                 "<|im_end|>",
                                                 "\xE2\x96\x81",
                                                 "e",
                                                 " ",
                                                 "ed",
                                                 "\xE6\x88\x91"};
  std::string text;
  for (std::uint64_t i = random.below(12); i > 0; --i) text += parts[random.below(parts.size())];
  return text;
}

TEST(SentencePieceTraining, WritesOneTokenizerInTwoForms) {
  TemporaryFolder folder;
  train_sentencepiece(training_lines(), {400, {"<|im_start|>", "<|im_end|>"}}, folder.path());
  const auto from_json = load_tokenizer(folder.path());
  std::filesystem::rename(folder / "tokenizer.json", folder / "other.json");
  const auto from_model = load_tokenizer(folder.path());
  const auto from_gguf = tokenizer_from_vocabulary(from_model->vocabulary(), "gguf");
  const auto json_gguf = tokenizer_from_vocabulary(from_json->vocabulary(), "gguf");
  ASSERT_EQ(from_json->size(), from_model->size());
  EXPECT_LE(from_model->size(), 400);
  EXPECT_EQ(from_model->bos(), 1);
  EXPECT_TRUE(from_model->is_control(*from_model->id_of("<|im_end|>")));
  RandomStream random(7);
  for (int i = 0; i < 500; ++i) {
    const std::string text = random_text(random);
    const Ids ids = from_model->encode_ids(text, true);
    EXPECT_EQ(from_json->encode_ids(text, true), ids) << text;
    EXPECT_EQ(from_gguf->encode_ids(text, true), ids) << text;
    EXPECT_EQ(json_gguf->encode_ids(text, true), ids) << text;
    EXPECT_EQ(from_json->decode(ids, false), from_model->decode(ids, false));
  }
}

TEST(SentencePieceTraining, IsDeterministic) {
  TemporaryFolder folder;
  for (const char* name : {"a", "b"})
    train_sentencepiece(training_lines(), {350, {"<|x|>"}}, folder / name);
  for (const char* file :
       {"tokenizer.model", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"})
    EXPECT_EQ(read_file(folder / "a" / file), read_file(folder / "b" / file)) << file;
}

TEST(SentencePieceTraining, WorksOnVerySmallTexts) {
  for (const char* text : {"a", "Hi.", "\xE6\x88\x91\xE6\x83\xB3\xE5\x9C\xA8", " x "}) {
    TemporaryFolder folder;
    train_sentencepiece({text}, {2000, {}}, folder.path());
    const auto tokenizer = load_tokenizer(folder.path());
    EXPECT_GE(tokenizer->size(), 260) << text;
    EXPECT_EQ(tokenizer->decode(tokenizer->encode_ids(text, true), true), text);
  }
}

TEST(SentencePieceTraining, WorksWithTheSmallestVocabulary) {
  for (const std::int64_t size : {261, 262, 263, 270, 300}) {
    TemporaryFolder folder;
    train_sentencepiece(training_lines(), {size, {}}, folder.path());
    const auto tokenizer = load_tokenizer(folder.path());
    EXPECT_LE(tokenizer->size(), size);
    EXPECT_EQ(tokenizer->decode(tokenizer->encode_ids("Any text: \xC3\xBC\n", true), true),
              "Any text: \xC3\xBC\n");
  }
}

TEST(SentencePieceTraining, NamesWhatIsWrong) {
  TemporaryFolder folder;
  const auto message = [&](const std::vector<std::string>& lines,
                           const VocabularyTraining& options) {
    return testing::error_text([&] { train_sentencepiece(lines, options, folder.path()); });
  };
  EXPECT_THAT(message({"a"}, {100, {}}), HasSubstr("found 100, expected at least 261"));
  EXPECT_THAT(message({"a"}, {100, {"<|x|>"}}), HasSubstr("expected at least 262"));
  EXPECT_THAT(message({}, {300, {}}), HasSubstr("found no words"));
  EXPECT_THAT(message({" ", "\n"}, {300, {}}), HasSubstr("found no words"));
  EXPECT_THAT(message({"a", "b\xFF"}, {300, {}}),
              HasSubstr("line 2: found bytes that are not UTF-8 at offset 1"));
  EXPECT_THAT(message({"a"}, {300, {"a,b"}}), HasSubstr("'a,b'"));
}

TEST(SentencePiece, ParsesControlPiecesOutsideLiteralRangesOnly) {
  SQPSYCH_NEED_SHARED(folder, "data/tok-llama2");
  const auto tokenizer = load_tokenizer(folder);
  const std::string text = "a</s>b</s>";
  const auto ids = [&](std::vector<ByteSpan> literal) {
    return tokenizer->encode(text, {false, literal, {}}).ids;
  };
  const auto count = [](const Ids& list) { return std::count(list.begin(), list.end(), 2); };
  EXPECT_EQ(count(ids({})), 2);
  EXPECT_EQ(count(ids({{0, 6}})), 1);
  EXPECT_EQ(count(ids({{2, 3}})), 1);
  EXPECT_EQ(count(ids({{0, 10}})), 0);
  EXPECT_EQ(tokenizer->decode(ids({{0, 10}}), true), text);
}

TEST(SentencePiece, SpansCoverTheTextInOrder) {
  SQPSYCH_NEED_SHARED(folder, "data/tok-llama2");
  const auto tokenizer = load_tokenizer(folder);
  for (const std::string& text : {std::string("Hello  world\n\xF0\x9F\xA6\x99 x"),
                                  std::string(" a"), std::string("<s>x</s>")}) {
    const auto encoding = tokenizer->encode(text, {true, {}, {}});
    std::size_t done = 0;
    for (const auto span : encoding.spans) {
      EXPECT_EQ(span.begin, done) << text;
      done = span.end;
    }
    EXPECT_EQ(done, text.size());
  }
}

}  // namespace
}  // namespace sqpsych
