#include <gmock/gmock.h>

#include "core/error.h"
#include "core/files.h"
#include "core/text.h"
#include "models/tokenizers/tokenizer.h"
#include "tests/support/error_text.h"
#include "tests/support/shared_data.h"
#include "tests/support/temporary_folder.h"

namespace sqpsych {
namespace {

using testing::error_text;
using ::testing::HasSubstr;
using testing::TemporaryFolder;
using testing::write_text;

/// A tokenizer.json with parts put in: model members, then top-level members.
std::string file_with(const std::string& model, const std::string& rest = "") {
  return R"({"model": {"type": "BPE", )" + model + "}" + (rest.empty() ? "" : ", " + rest) + "}";
}

std::string refusal(const TemporaryFolder& folder, const TokenizerOptions& options = {}) {
  return error_text([&] { load_tokenizer(folder.path(), options); });
}

constexpr const char* kModel = R"("vocab": {"a": 0, "b": 1, "ab": 2}, "merges": ["a b"])";

struct BadFile {
  std::string name;
  std::string content;
  std::string expected;
};

TEST(HostileTokenizerJson, EachGivesOneSentence) {
  std::string deep_brackets;
  for (int i = 0; i < 100000; ++i) deep_brackets += "[a&&";
  const std::vector<BadFile> files = {
      {"empty", "", "not valid JSON"},
      {"truncated", R"({"model": {"type": "BPE", "vocab": {"a": 0,)", "not valid JSON"},
      {"list", "[]", "model.type: found 'null'"},
      {"not UTF-8", "{\"model\": \"\xFF\"}", "not UTF-8 at offset 11"},
      {"duplicate token", file_with(R"("vocab": {"a": 0, "a": 1}, "merges": [])"),
       "'a' appears twice"},
      {"duplicate id", file_with(R"("vocab": {"a": 0, "b": 0}, "merges": [])"),
       "id 0: found tokens"},
      {"negative id", file_with(R"("vocab": {"a": -1}, "merges": [])"), "found id -1"},
      {"huge id", file_with(R"("vocab": {"a": 99999999999}, "merges": [])"),
       "found id 99999999999"},
      {"far id", file_with(R"("vocab": {"a": 2000000000}, "merges": [])"), "ids without a token"},
      {"text id", file_with(R"("vocab": {"a": "0"}, "merges": [])"), "expected an id"},
      {"empty vocabulary", file_with(R"("vocab": {}, "merges": [])"), "empty vocabulary"},
      {"empty token", file_with(R"("vocab": {"": 0}, "merges": [])"), "empty token"},
      {"no vocabulary", file_with(R"("merges": [])"), "model.vocab: found null"},
      {"list vocabulary", file_with(R"("vocab": [["a", 1]], "merges": [])"),
       "model.vocab: found array"},
      {"no merges", file_with(R"("vocab": {"a": 0})"), "model.merges: found null"},
      {"unknown merge part", file_with(R"("vocab": {"a": 0}, "merges": ["a b"])"),
       "'b', which is not in"},
      {"unknown merge result", file_with(R"("vocab": {"a": 0, "b": 1}, "merges": ["a b"])"),
       "'ab', which is not in"},
      {"broken merge", file_with(R"("vocab": {"a": 0}, "merges": ["a"])"), "merges[0]"},
      {"merge of three", file_with(R"("vocab": {"a": 0}, "merges": [["a", "a", "a"]])"),
       "merges[0]"},
      {"unknown unk", file_with(std::string(kModel) + R"(, "unk_token": "<unk>")"),
       "unk_token: found '<unk>'"},
      {"dropout", file_with(std::string(kModel) + R"(, "dropout": 0.1)"), "dropout"},
      {"empty unigram", R"({"model": {"type": "Unigram", "vocab": []}})", "empty vocabulary"},
      {"unigram of ids", R"({"model": {"type": "Unigram", "vocab": {"a": 1}}})",
       "expected a list of tokens and scores"},
      {"unigram without scores", R"({"model": {"type": "Unigram", "vocab": [["a"]]}})",
       "model.vocab[0]: found [\"a\"]"},
      {"unigram's unknown", R"({"model": {"type": "Unigram", "vocab": [["a", 0]], "unk_id": 1}})",
       "model.unk_id: found 1"},
      {"wordpiece", R"({"model": {"type": "WordPiece", "vocab": {}}})", "found 'WordPiece'"},
      {"wordlevel", R"({"model": {"type": "WordLevel", "vocab": {}}})", "found 'WordLevel'"},
      {"normalizer", file_with(kModel, R"("normalizer": {"type": "Odd"})"),
       "normalizer: found type 'Odd'"},
      {"character map", file_with(kModel, R"("normalizer": {"type": "Precompiled",
          "precompiled_charsmap": "AAAA"})"),
       "precompiled_charsmap: found 3 bytes"},
      {"character map of no base64", file_with(kModel, R"("normalizer": {"type": "Precompiled",
          "precompiled_charsmap": "?"})"),
       "no base64"},
      {"pre-tokenizer", file_with(kModel, R"("pre_tokenizer": {"type": "Odd"})"),
       "pre_tokenizer: found type 'Odd'"},
      {"sequence", file_with(kModel, R"("pre_tokenizer": {"type": "Sequence"})"),
       "pretokenizers: found null"},
      {"chunks", file_with(kModel, R"("pre_tokenizer": {"type": "FixedLength", "length": 0})"),
       "found length 0"},
      {"post-processor", file_with(kModel, R"("post_processor": {"type": "Odd"})"),
       "post_processor: found type 'Odd'"},
      {"pair", file_with(kModel, R"("post_processor": {"type": "BertProcessing", "sep": 1})"),
       "post_processor: cls"},
      {"decoder", file_with(kModel, R"("decoder": {"type": "Odd"})"), "decoder: found type 'Odd'"},
      {"bad regex", file_with(kModel, R"("pre_tokenizer": {"type": "Split", "behavior": "Isolated",
          "pattern": {"Regex": "(a"}})"),
       "split pattern '(a'"},
      {"bad behaviour", file_with(kModel, R"("pre_tokenizer": {"type": "Split", "behavior": "Odd",
          "pattern": {"String": "a"}})"),
       "behavior 'Odd'"},
      {"clashing added token", file_with(kModel, R"("added_tokens": [{"id": 1, "content": "x"}])"),
       "id 1: found tokens"},
      {"moved added token", file_with(kModel, R"("added_tokens": [{"id": 7, "content": "a"}])"),
       "token 'a': found ids 0 and 7"},
      {"added token without id", file_with(kModel, R"("added_tokens": [{"content": "x"}])"),
       "id: found null"},
      {"flag of wrong type",
       file_with(kModel, R"("added_tokens": [{"id": 3, "content": "x", "special": 1}])"),
       "special: found number"},
      {"template", file_with(kModel, R"("post_processor": {"type": "TemplateProcessing",
          "single": [{"SpecialToken": {"id": "x"}}], "special_tokens": {}})"),
       "special token 'x' has no ids"},
      {"template id", file_with(kModel, R"("post_processor": {"type": "TemplateProcessing",
          "single": [{"SpecialToken": {"id": "x"}}, {"Sequence": {"id": "A"}}],
          "special_tokens": {"x": {"ids": [77]}}})"),
       "found id 77"},
      {"template without the text", file_with(kModel, R"("post_processor": {
          "type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "x"}}],
          "special_tokens": {"x": {"ids": [0]}}})"),
       "found the text 0 times"},
      {"template behind three parts", file_with(kModel, R"("post_processor": {"type": "Sequence",
          "processors": [{"type": "TemplateProcessing", "special_tokens": {"x": {"ids": [0]}},
            "single": [{"SpecialToken": {"id": "x"}}, {"Sequence": {"id": "A"}},
                       {"SpecialToken": {"id": "x"}}]}, {"type": "TemplateProcessing"}]})"),
       "makes 3 parts"},
      {"deep brackets",
       file_with(kModel, R"("pre_tokenizer": {"type": "Split",
          "behavior": "Isolated", "pattern": {"Regex": ")" +
                             deep_brackets + R"("}})"),
       "brackets too deep"},
      {"deep", std::string(100000, '['), "nested deeper"},
  };
  for (const auto& file : files) {
    TemporaryFolder folder;
    write_text(folder / "tokenizer.json", file.content);
    EXPECT_THAT(refusal(folder), HasSubstr(file.expected)) << file.name;
    EXPECT_THAT(refusal(folder), HasSubstr("tokenizer.json")) << file.name;
  }
}

TEST(HostileTokenizerFolder, NamesWhatIsMissingOrOfAnotherKind) {
  TemporaryFolder folder;
  EXPECT_THAT(refusal(folder), HasSubstr("found none of tokenizer.json, tokenizer.model"));
  write_text(folder / "tokenizer.model", "");
  EXPECT_THAT(refusal(folder), HasSubstr("found no SentencePiece model"));
  write_text(folder / "tokenizer.model", "hello world, this is no protobuf");
  EXPECT_THAT(refusal(folder), HasSubstr("found no SentencePiece model"));
  write_text(folder / "tokenizer.model", "IQ== 0\nIg== 1\n");
  EXPECT_THAT(refusal(folder), HasSubstr("tokenizer_split"));
  write_text(folder / "vocab.json", R"({"a": 0, "b": 1})");
  write_text(folder / "merges.txt", "#version: 0.2\na c\n");
  EXPECT_THAT(refusal(folder), HasSubstr("expected one of 'gpt2', 'llama3', 'cl100k', 'qwen2'"));
  EXPECT_THAT(refusal(folder, {"gpt5"}), HasSubstr("found 'gpt5'"));
  EXPECT_THAT(refusal(folder, {"gpt2"}), HasSubstr("'c', which is not in the vocabulary"));
  write_text(folder / "merges.txt", "a b c\n");
  EXPECT_THAT(refusal(folder, {"gpt2"}), HasSubstr("merges.txt:1"));
  write_text(folder / "merges.txt", "a \xFF\n");
  EXPECT_THAT(refusal(folder, {"gpt2"}), HasSubstr("not UTF-8 at offset 2"));
  write_text(folder / "merges.txt", "");
  write_text(folder / "added_tokens.json", R"({"<|x|>": "2"})");
  EXPECT_THAT(refusal(folder, {"gpt2"}), HasSubstr("expected an id"));
}

TEST(HostileSentencePiece, EveryTruncationIsRefused) {
  SQPSYCH_NEED_SHARED(real, "data/tok-llama2/tokenizer.model");
  const std::string bytes = read_file(real);
  for (const std::size_t size : {1UL, 2UL, 3UL, 10UL, 17UL, 1000UL, 100000UL, bytes.size() - 1}) {
    TemporaryFolder folder;
    write_text(folder / "tokenizer.model", bytes.substr(0, size));
    EXPECT_THAT(error_text<FormatError>([&] { load_tokenizer(folder.path()); }),
                HasSubstr("tokenizer.model"))
        << size;
  }
}

TEST(HostileText, NamesTheByteThatIsNotUtf8) {
  TemporaryFolder folder;
  write_text(folder / "tokenizer.json", file_with(kModel));
  const auto tokenizer = load_tokenizer(folder.path());
  for (const char* text :
       {"ab\xFF", "ab\xC3", "ab\xED\xA0\x80", "ab\xF4\x90\x80\x80", "ab\xC0\xAF"})
    EXPECT_THAT(error_text<FormatError>([&] { tokenizer->encode_ids(text, true); }),
                HasSubstr("offset 2"));
}

TEST(HostileIds, AreNamed) {
  TemporaryFolder folder;
  write_text(folder / "tokenizer.json", file_with(kModel));
  const auto tokenizer = load_tokenizer(folder.path());
  for (const TokenId id : {-1, 3, 1 << 30})
    EXPECT_THROW(tokenizer->decode({0, id}, false), FormatError);
  EXPECT_FALSE(tokenizer->is_control(-1));
}

TEST(HostileVocabulary, ReportsAllProblemsTogether) {
  const auto message = [](Vocabulary vocabulary) {
    return error_text<FormatError>(
        [&] { tokenizer_from_vocabulary(std::move(vocabulary), "x.gguf"); });
  };
  Vocabulary good;
  good.model = "llama";
  good.pre = "default";
  good.tokens = {"<unk>", "a"};
  good.scores = {0, 0};
  good.types = {TokenType::kUnknown, TokenType::kNormal};
  EXPECT_NO_THROW(tokenizer_from_vocabulary(good, "x.gguf"));
  Vocabulary bad = good;
  bad.scores.pop_back();
  bad.types.pop_back();
  bad.bos = 2;
  EXPECT_THAT(message(bad), HasSubstr("token_type: found 1"));
  EXPECT_THAT(message(bad), HasSubstr("scores: found 1"));
  EXPECT_THAT(message(bad), HasSubstr("bos_token_id: found id 2"));
  bad = good;
  bad.tokens = {"a", "a"};
  EXPECT_THAT(message(bad), HasSubstr("token 'a': found ids 0 and 1"));
  bad = good;
  bad.model = "bert";
  EXPECT_THAT(message(bad), HasSubstr("found 'bert'"));
  bad.model = "gpt2";
  bad.pre = "odd";
  EXPECT_THAT(message(bad), HasSubstr("tokenizer.ggml.pre: found 'odd'"));
  bad.pre = "gpt-2";
  bad.merges = {"ab"};
  EXPECT_THAT(message(bad), HasSubstr("merges[0]"));
  EXPECT_THAT(message({}), HasSubstr("empty vocabulary"));
}

/// Half of a long text is one piece, which takes the way of long pieces.
TEST(LongText, OfOneWordIsMergedAsInParts) {
  TemporaryFolder folder;
  write_text(folder / "tokenizer.json", file_with(kModel));
  const auto tokenizer = load_tokenizer(folder.path());
  for (const std::size_t pairs : {1UL, 31UL, 32UL, 33UL, 50000UL}) {
    std::string text;
    for (std::size_t i = 0; i < pairs; ++i) text += "ab";
    EXPECT_EQ(tokenizer->encode_ids(text, false), std::vector<TokenId>(pairs, 2));
    EXPECT_EQ(tokenizer->encode_ids("b" + text, false).size(), pairs + 1);
  }
}

TEST(LongText, OfOnePieceIsMergedInTime) {
  SQPSYCH_NEED_SHARED(folder, "data/tok-phi3");
  const auto tokenizer = load_tokenizer(folder);
  std::string text;
  for (int i = 0; i < 100000; ++i) text += "word ";
  EXPECT_EQ(tokenizer->encode_ids(text, false).size(), 100001U);
  EXPECT_EQ(tokenizer->encode_ids(std::string(300000, 'a'), false).size(), 75002U);
}

}  // namespace
}  // namespace sqpsych
